-- Sessions whose next message has failed: few, and looked at apart when it is decided whose turn it is.
CREATE INDEX cursors_failing ON hubbub.cursors (portal, due_at) WHERE since IS NOT NULL AND due_at IS NOT NULL;
