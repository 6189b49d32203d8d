/** What Arc's own statements begin with. */
const NAMED = /^\s*\/\* (\w[\w ]{0,60}) \*\//

/** Prisma names none: what it does, and with which table. */
const UNNAMED = /^\s*(?:(update)|(select|insert|delete)\b.*?\b(?:from|into))\s+(?:"?\w+"?\.)?"?(\w+)/is

/** Settings of a transaction belong to its beginning, and take no time of their own. */
const BEGINNINGS = /^\s*(begin|start|set|select (\S+ )?set_config)\b/i

/**
 * What traces and figures call a statement: one of few names, whatever the values in it. Undefined for what begins a
 * transaction.
 */
export function statementLabel(text: string): string | undefined {
  const named = NAMED.exec(text)
  if (named) return named[1]
  if (BEGINNINGS.test(text)) return undefined
  const unnamed = UNNAMED.exec(text)
  if (unnamed) return `${(unnamed[1] ?? unnamed[2])!.toUpperCase()} ${unnamed[3]}`
  return /^\s*(commit|rollback)\b/i.exec(text)?.[1]?.toUpperCase() ?? 'other'
}
