import pg from 'pg'

export interface RecordedStatement {
  text: string
  values: unknown[]
}

/** The statements that reach the database while `work` runs: of this process, so of this test's server. */
export async function recordStatements(work: () => Promise<unknown>): Promise<RecordedStatement[]> {
  const recorded: RecordedStatement[] = []
  const { query } = pg.Client.prototype
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    const [first, second] = args
    const { text, values } =
      typeof first === 'string' ? { text: first, values: second } : (first as Partial<RecordedStatement>)
    recorded.push({ text: text ?? '', values: Array.isArray(values) ? values : [] })
    return (query as (...args: unknown[]) => unknown).apply(this, args)
  } as never
  try {
    await work()
  } finally {
    pg.Client.prototype.query = query
  }
  return recorded
}
