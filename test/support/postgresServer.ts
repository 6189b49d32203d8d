import { type SpawnSyncOptions, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { query } from './emptyDatabase.ts'
import { freePort } from './freePort.ts'

/** Not what is on the path: many a machine has a PostgreSQL there without pgvector. */
const BIN = process.env.POSTGRES_BIN

/** PostgreSQL runs as anybody but root; a file that root made has to be his. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined

/** They are tests of a server, not of what TEST_DATABASE_URL names: on PGlite they would be the same again. */
export const hasPostgresServers = inject('serverUrl') !== null && BIN !== undefined
if (inject('serverUrl') !== null && BIN === undefined)
  console.log(
    'Tests that start servers are skipped: POSTGRES_BIN names the folder with initdb, pg_ctl and the others.',
  )

const SETTINGS = `
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
timescaledb.telemetry_level = off
max_connections = 60
max_worker_processes = 16
jit = off
wal_keep_size = 256MB
`

/** A folder for servers and what they write, which goes away with `remove`. */
export class ServerFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'arc-servers-'))

  constructor() {
    chmodSync(this.path, 0o755)
    if (NOBODY) chownSync(this.path, NOBODY.uid, NOBODY.gid)
  }

  /** A folder in it, which the servers may write. */
  make(name: string): string {
    const folder = join(this.path, name)
    mkdirSync(folder, { mode: 0o700 })
    if (NOBODY) chownSync(folder, NOBODY.uid, NOBODY.gid)
    return folder
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

/** A PostgreSQL of a test's own, which may be killed, copied and restored. */
export class PostgresServer {
  readonly data: string
  readonly port: number
  #postmaster: number | undefined

  /** A new cluster, with TimescaleDB if the binaries have it and TEST_ENGINE does not say `plain`. */
  static async create(folder: ServerFolder, name: string, settings = ''): Promise<PostgresServer> {
    const server = new PostgresServer(join(folder.path, name), await freePort())
    run('initdb', [
      '-D',
      server.data,
      '-U',
      'postgres',
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--locale=C.UTF-8',
      '-N',
    ])
    server.set(SETTINGS + settings)
    server.start()
    if (await server.offersTimescale()) {
      server.set(`shared_preload_libraries = 'timescaledb'`)
      server.stop()
      server.start()
    }
    return server
  }

  /** On files that are a cluster already: a base backup, for example. It is started by `start`. */
  static async of(data: string): Promise<PostgresServer> {
    return new PostgresServer(data, await freePort())
  }

  private constructor(data: string, port: number) {
    this.data = data
    this.port = port
  }

  /** Lines of postgresql.conf, of which the last of a name counts. */
  set(settings: string): void {
    appendFileSync(join(this.data, 'postgresql.conf'), `${settings}\n`)
  }

  /** A file in its folder, for its eyes only. */
  write(name: string, text: string): void {
    const file = join(this.data, name)
    writeFileSync(file, text, { mode: 0o600 })
    if (NOBODY) chownSync(file, NOBODY.uid, NOBODY.gid)
  }

  /** Resolves when it answers, as a standby too. */
  start(): void {
    this.set(`port = ${this.port}`)
    run('pg_ctl', ['-D', this.data, '-w', '-t', '120', '-l', join(this.data, 'server.log'), 'start'])
    this.#postmaster = Number(readFileSync(join(this.data, 'postmaster.pid'), 'utf8').split('\n')[0])
  }

  stop(): void {
    run('pg_ctl', ['-D', this.data, '-w', '-m', 'fast', 'stop'])
    this.#postmaster = undefined
  }

  /** As when the machine loses its power: all its processes, with no word to anybody. */
  kill(): void {
    const postmaster = this.#postmaster
    if (postmaster === undefined) return
    const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(postmaster)], { encoding: 'utf8' })
    for (const pid of [postmaster, ...stdout.trim().split(/\s+/).map(Number)]) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It ended by itself when it saw the others gone.
      }
    }
    this.#postmaster = undefined
  }

  promote(): void {
    run('pg_ctl', ['-D', this.data, '-w', 'promote'])
  }

  /** Files of a cluster that a server can be started on: with WAL, or for an archive that has it. */
  baseBackup(to: string, ...options: string[]): void {
    run('pg_basebackup', ['-d', this.url('postgres'), '-D', to, '-c', 'fast', ...options])
  }

  url(database: string, login = 'postgres'): string {
    return `postgresql://${login}@127.0.0.1:${this.port}/${database}`
  }

  /** An empty database, with TimescaleDB where the server has it. */
  async database(name: string): Promise<string> {
    await query(this.url('postgres'), `create database ${name}`)
    if (await this.offersTimescale()) await query(this.url(name), 'create extension timescaledb')
    return this.url(name)
  }

  /** Whether the binaries have it, and the tests are to use it. */
  async offersTimescale(): Promise<boolean> {
    if (process.env.TEST_ENGINE === 'plain') return false
    const there = `select from pg_available_extensions where name = 'timescaledb'`
    return (await query(this.url('postgres'), there)).length > 0
  }
}

/** One of PostgreSQL's programs. @returns what it printed. @throws with what it said */
function run(program: string, args: readonly string[], options: SpawnSyncOptions = {}): string {
  const { status, stdout, stderr, error } = spawnSync(join(BIN!, program), args, {
    ...NOBODY,
    cwd: '/',
    encoding: 'utf8',
    // Not inherited by a server that outlives the command: its end would never be seen.
    stdio: program === 'pg_ctl' ? 'ignore' : 'pipe',
    env: { ...process.env, HOME: '/', LC_ALL: 'C.UTF-8' },
    ...options,
  })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr ?? ''}${error?.message ?? ''}`)
  return String(stdout ?? '')
}
