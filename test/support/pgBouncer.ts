import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PGBOUNCER = process.env.PGBOUNCER_PATH ?? 'pgbouncer'

/** It is part of few installations. */
export const hasPgBouncer = () => spawnSync(PGBOUNCER, ['--version']).status === 0

/** PgBouncer in transaction mode, in front of a database. */
export class PgBouncer {
  /** The database as seen through it. */
  readonly url: string
  log = ''
  readonly #process: ChildProcess
  readonly #folder: string

  /** `poolSize`: its connections to the server. `more`: settings. */
  static async start(databaseUrl: string, poolSize: number, more = ''): Promise<PgBouncer> {
    const { hostname, port, username, password } = new URL(databaseUrl)
    const listenPort = await freePort()
    const folder = mkdtempSync(join(tmpdir(), 'arc-pgbouncer-'))
    writeFileSync(join(folder, 'users'), `"${username}" "${decodeURIComponent(password)}"\n`)
    writeFileSync(
      join(folder, 'ini'),
      `[databases]
* = host=${hostname} port=${port || 5432}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
unix_socket_dir =
auth_type = trust
auth_file = ${join(folder, 'users')}
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 1000
${more}
`,
    )
    // It does not run as root.
    const isRoot = process.getuid?.() === 0
    chmodSync(folder, 0o755)
    const bouncer = new PgBouncer(
      spawn(PGBOUNCER, [join(folder, 'ini')], {
        stdio: ['ignore', 'pipe', 'pipe'],
        ...(isRoot && { uid: 65_534 }),
      }),
      folder,
      databaseUrl,
      listenPort,
    )
    while (!(await accepts(listenPort)))
      if (bouncer.#process.exitCode !== null) throw new Error(`PgBouncer ended: ${bouncer.log}`)
    return bouncer
  }

  private constructor(process: ChildProcess, folder: string, databaseUrl: string, port: number) {
    this.#process = process
    this.#folder = folder
    const url = new URL(databaseUrl)
    url.hostname = '127.0.0.1'
    url.port = String(port)
    this.url = url.toString()
    for (const stream of [process.stdout!, process.stderr!])
      stream.on('data', (piece) => {
        this.log += piece
      })
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.kill('SIGKILL')
    await ended
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => setTimeout(resolve, 20, false))
  })
}
