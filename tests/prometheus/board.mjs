// Prints the board's expressions as recording rules, for `promtool check rules` to parse.
import { readFileSync } from 'node:fs'

const board = JSON.parse(readFileSync(new URL('../../deploy/grafana/hubbub.json', import.meta.url)))
const panels = board.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])])
const rules = panels.flatMap((panel) =>
  (panel.targets ?? []).map((target) => ({
    record: `panel_${panel.id}:${target.refId}`,
    // As Grafana fills them in.
    expr: target.expr.replaceAll('$__rate_interval', '1m').replaceAll('$job', '.*'),
  })),
)
if (rules.length < 40) throw new Error(`only ${rules.length} expressions: has the board's form changed?`)
const left = rules.find((rule) => rule.expr.includes('$'))
if (left) throw new Error(`${left.record}: a variable that is not known: ${left.expr}`)
console.log(JSON.stringify({ groups: [{ name: 'board', rules }] }))
