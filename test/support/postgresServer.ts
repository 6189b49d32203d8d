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
  readonly path: string

  /** `on`: where, if not on the disk of all temporary files. */
  constructor(on = tmpdir()) {
    this.path = mkdtempSync(join(on, 'arc-servers-'))
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

  /** A new cluster, with TimescaleDB if the binaries have it and TEST_ENGINE does not say `plain`. `options`: of initdb. */
  static async create(
    folder: ServerFolder,
    name: string,
    settings = '',
    ...options: string[]
  ): Promise<PostgresServer> {
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
      ...options,
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
    const log = join(this.data, 'server.log')
    try {
      run('pg_ctl', ['-D', this.data, '-w', '-t', '120', '-l', log, 'start'])
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${readFileSync(log, 'utf8').slice(-2_000)}`)
    }
    this.#postmaster = Number(readFileSync(join(this.data, 'postmaster.pid'), 'utf8').split('\n')[0])
  }

  /** Whether its first process lives. */
  get isRunning(): boolean {
    try {
      process.kill(this.#postmaster!, 0)
      return true
    } catch {
      return false
    }
  }

  stop(): void {
    run('pg_ctl', ['-D', this.data, '-w', '-m', 'fast', 'stop'])
    this.#postmaster = undefined
  }

  /** As when the machine loses its power: all its processes, with no word to anybody. */
  kill(): void {
    const postmaster = this.#postmaster
    if (postmaster === undefined) return
    const pidsOf = (...selection: string[]) =>
      (
        spawnSync('ps', ['-o', 'pid=,stat=', ...selection], { encoding: 'utf8' }).stdout.match(
          /^ *\d+ +[^Z]/gm,
        ) ?? []
      ).map((line) => Number.parseInt(line, 10))
    // So that it starts no more of them.
    signal(postmaster, 'SIGSTOP')
    const all = [postmaster, ...pidsOf('--ppid', String(postmaster))]
    for (const pid of all) signal(pid, 'SIGKILL')
    // As long as one of them has the shared memory no server starts on the same files.
    while (pidsOf('--pid', all.join()).length > 0);
    // Where nobody waits for what lost its parent, its number is taken for that of a server that lives.
    rmSync(join(this.data, 'postmaster.pid'))
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

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It ended by itself when it saw the others gone.
  }
}

/** One of PostgreSQL's programs. @returns what it printed. @throws with what it said */
export function run(program: string, args: readonly string[], options: SpawnSyncOptions = {}): string {
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
