import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './freePort.ts'

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
  readonly #settings: string

  /** `poolSize`: its connections to the server. `more`: settings. */
  static async start(databaseUrl: string, poolSize: number, more = ''): Promise<PgBouncer> {
    const listenPort = await freePort()
    const folder = mkdtempSync(join(tmpdir(), 'arc-pgbouncer-'))
    const { username, password } = new URL(databaseUrl)
    writeFileSync(join(folder, 'users'), `"${username}" "${decodeURIComponent(password)}"\n`)
    const settings = `[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
unix_socket_dir =
auth_type = trust
auth_file = ${join(folder, 'users')}
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 1000
${more}
`
    writeSettings(folder, databaseUrl, settings)
    // It does not run as root.
    const isRoot = process.getuid?.() === 0
    chmodSync(folder, 0o755)
    const url = new URL(databaseUrl)
    url.hostname = '127.0.0.1'
    url.port = String(listenPort)
    const bouncer = new PgBouncer(
      spawn(PGBOUNCER, [join(folder, 'ini')], {
        stdio: ['ignore', 'pipe', 'pipe'],
        ...(isRoot && { uid: 65_534 }),
      }),
      folder,
      settings,
      url.toString(),
    )
    while (!(await accepts(listenPort)))
      if (bouncer.#process.exitCode !== null) throw new Error(`PgBouncer ended: ${bouncer.log}`)
    return bouncer
  }

  private constructor(process: ChildProcess, folder: string, settings: string, url: string) {
    this.#process = process
    this.#folder = folder
    this.#settings = settings
    this.url = url
    for (const stream of [process.stdout!, process.stderr!])
      stream.on('data', (piece) => {
        this.log += piece
      })
  }

  /** Another server from now on: what its RELOAD does. */
  leadTo(databaseUrl: string): void {
    writeSettings(this.#folder, databaseUrl, this.#settings)
    this.#process.kill('SIGHUP')
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.kill('SIGKILL')
    await ended
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function writeSettings(folder: string, databaseUrl: string, settings: string): void {
  const { hostname, port } = new URL(databaseUrl)
  writeFileSync(join(folder, 'ini'), `[databases]\n* = host=${hostname} port=${port || 5432}\n${settings}`)
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
