import type { Socket } from 'node:net'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { copyIn } from '../../bench/copy.ts'
import { type EmbeddedDatabase, startEmbeddedDatabase } from '../../src/db/embedded/embedded.ts'

/** About PGlite behind its socket, whatever database the other tests run on. */
let database: EmbeddedDatabase
let client: pg.Client
let other: pg.Client
beforeAll(async () => {
  database = await startEmbeddedDatabase()
  client = new pg.Client({ connectionString: database.connectionString })
  other = new pg.Client({ connectionString: database.connectionString })
  await client.connect()
  await other.connect()
  await client.query('create table visits (place int, name text)')
})
afterAll(async () => {
  await other.end()
  await database.close()
})

const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => Buffer.from(`${from + index}\tvisit\n`))
const count = async (asker: pg.Client) =>
  (await asker.query<{ count: string }>('select count(*) from visits')).rows[0]!.count

it('COPY FROM STDIN stores its rows, alone or in a transaction', async () => {
  await expect(copyIn(client, '/* load */ copy visits from stdin', rows(0, 1000))).resolves.toBe(1000)
  await client.query('begin')
  await expect(copyIn(client, 'COPY visits (place, name) FROM STDIN', rows(1000, 1010))).resolves.toBe(10)
  await client.query('rollback')
  await expect(copyIn(client, 'copy visits from stdin', [])).resolves.toBe(0)
  expect(await count(other)).toBe('1000')
})

it('COPY FROM STDIN that fails, or that its client gives up, is an error of that client only', async () => {
  await expect(copyIn(client, 'copy nothing from stdin', rows(0, 5))).rejects.toThrow('does not exist')
  await expect(copyIn(client, 'copy visits from stdin', [Buffer.from('a\tb\n')])).rejects.toThrow(
    'invalid input syntax',
  )
  // A client that has no rows to give says so.
  await expect(client.query('copy visits from stdin')).rejects.toThrow('No source stream defined')
  expect([await count(client), await count(other)]).toEqual(['1000', '1000'])
})

it('a client that leaves in the middle of its rows leaves none of them, and the backend to the others', async () => {
  const left = new Promise((resolve) => client.once('error', resolve))
  client.query({
    submit: (connection) => connection.query('copy visits from stdin'),
    handleCopyInResponse(connection: { sendCopyFromChunk(chunk: Buffer): void; stream: Socket }) {
      for (const row of rows(0, 10)) connection.sendCopyFromChunk(row)
      connection.stream.end()
    },
    handleError: () => {},
  } as pg.Submittable)
  await left
  expect(await count(other)).toBe('1000')
})
