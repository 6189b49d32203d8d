import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import { inTenantTransaction } from '../src/db/tenantTransaction.ts'
import type { Viewer } from '../src/viewer.ts'
import { DASHBOARDS } from './dashboards.ts'

/** What this process says when it is ready. */
export interface BareStarted {
  url: string
}

// The child process of the benchmark that is the floor of reads: one hand-written statement behind node:http, under the
// same tenancy as Arc's (role, tenant, transaction), with no GraphQL, no token and nothing that could be asked otherwise.
const { DATABASE_URL: connectionString, ARC_POOL_SIZE: poolSize, BENCH_TENANT_ID: tenantId } = process.env
const pool = new pg.Pool({ connectionString, max: Number(poolSize), pipeline: true })
const viewer: Viewer = {
  tenantId: tenantId!,
  actorId: 'bench',
  role: 'app_user',
  expiresAtMs: undefined,
  clientIp: undefined,
  userAgent: undefined,
}

const server = createServer((request, response) => {
  const { sql } = DASHBOARDS.find(({ name }) => request.url === `/${name}`)!
  let body = ''
  request.setEncoding('utf8')
  request.on('data', (chunk: string) => {
    body += chunk
  })
  request.on('end', async () => {
    const { values } = JSON.parse(body) as { values: unknown[] }
    const [row] = await inTenantTransaction(pool, viewer, 'read only', (transaction) =>
      transaction.query<{ answer: string }>(sql, values),
    )
    response.writeHead(200, { 'content-type': 'application/json' }).end(row!.answer)
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
