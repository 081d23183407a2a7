// What the packages do not say of themselves.
declare module "*.css";
declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
    const start: (options: Record<string, unknown>) => unknown;
    export default start;
}
