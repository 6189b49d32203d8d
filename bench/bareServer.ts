import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import { DASHBOARDS } from './dashboards.ts'
import { MANY_KEYS } from './manyKeys.ts'

/** What this process says when it is ready. */
export interface BareStarted {
  url: string
}

// The child process of the benchmark that is the floor of reads: one hand-written statement over the tables themselves
// behind node:http, with no GraphQL, no token, no transaction, and nothing between it and the rows that could hide a cost.
const { DATABASE_URL: connectionString, ARC_POOL_SIZE: poolSize, BENCH_TENANT_ID: tenantId } = process.env
const pool = new pg.Pool({ connectionString, max: Number(poolSize) })
const statements = new Map(
  [...DASHBOARDS, ...MANY_KEYS].map(({ name, sql }) => [`/${name}`, sql(pg.escapeLiteral(tenantId!))]),
)

const server = createServer((request, response) => {
  const statement = statements.get(request.url!)!
  let body = ''
  request.setEncoding('utf8')
  request.on('data', (chunk: string) => {
    body += chunk
  })
  request.on('end', async () => {
    const { values } = JSON.parse(body) as { values: unknown[] }
    // Prepared, as whoever writes statements by hand would: PostgreSQL plans the same one once.
    const { rows } = await pool.query<{ answer: string }>({ name: request.url!, text: statement, values })
    response.writeHead(200, { 'content-type': 'application/json' }).end(rows[0]!.answer)
  })
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.send!({ url: `http://127.0.0.1:${port}` } satisfies BareStarted)
})
process.once('disconnect', async () => {
  server.close()
  server.closeAllConnections()
  await pool.end()
  process.exit()
})
