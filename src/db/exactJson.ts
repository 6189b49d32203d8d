import type pg from 'pg'
import { withExactNumbers } from '../exactNumbers.ts'

/** The types whose values are JSON: json and jsonb. */
const JSON_TYPES = new Set([114, 3802])

/**
 * Lets the rows' JSON keep numbers that JavaScript would change, whoever parses it: pg, or Prisma with a parser of its own.
 */
export function keepExactNumbers(pool: pg.Pool): void {
  pool.on('connect', (client) => {
    const { connection } = client as unknown as pg.Client
    let jsonColumns: number[] = []
    // Before pg's own listeners, which take the fields apart.
    connection.prependListener('rowDescription', ({ fields }: { fields: { dataTypeID: number }[] }) => {
      jsonColumns = fields.flatMap(({ dataTypeID }, index) => (JSON_TYPES.has(dataTypeID) ? [index] : []))
    })
    // What comes next may have rows that nobody describes.
    connection.prependListener('readyForQuery', () => {
      jsonColumns = []
    })
    connection.prependListener('dataRow', ({ fields }: { fields: (string | null)[] }) => {
      for (const index of jsonColumns) {
        const json = fields[index]
        if (json) fields[index] = withExactNumbers(json)
      }
    })
  })
}
