import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import type { ArcClientOptions } from '../../src/client/arcClient.ts'
import { makeServiceLogin } from '../../src/db/admin/login.ts'
import { migrate } from '../../src/db/admin/migrator.ts'
import { Arc } from './arc.ts'
import { ArcProcess } from './arcProcess.ts'
import { DatabaseProxy } from './databaseProxy.ts'
import { PostgresServer, ServerFolder } from './postgresServer.ts'
import { ServerProxy } from './serverProxy.ts'
import { SmallDisk } from './smallDisk.ts'

const DAY_SECONDS = 86_400

/** Enough for an empty cluster with its migrations, and some thousand outcomes. */
const DISK_MB = 400

/** What all of a small disk goes into: the default keeps more WAL than that. */
const SMALL_WAL = `
wal_keep_size = 0
min_wal_size = 32MB
max_wal_size = 64MB
`

/** What a scene has besides a server and its ways. */
export interface Needs {
  /** The database: that of the tests when not given. */
  database?: 'a PostgreSQL of its own' | 'the server’s own, embedded'
  /** What of it lies on a small disk. */
  disk?: 'of the data' | 'of the log'
  /** A second server on the same database. */
  beside?: boolean
  server?: NodeJS.ProcessEnv
}

/** A server in a process of its own between a client and a database, and what may happen to each of them. */
export class AccidentScene {
  readonly server: ArcProcess
  readonly #parts: Parts

  /** Undefined where there may be no small disk. */
  static async build(needs: Needs, cleanUp: (() => Promise<unknown>)[]): Promise<AccidentScene | undefined> {
    const parts: Partial<Parts> = {}
    const env: NodeJS.ProcessEnv = { ARC_JOBS: 'off', ...needs.server }
    if (needs.database === 'the server’s own, embedded') {
      const folder = mkdtempSync(join(tmpdir(), 'arc-embedded-'))
      cleanUp.push(async () => rmSync(folder, { recursive: true }))
      Object.assign(env, { DATABASE_URL: '', ARC_DATA_DIR: folder })
    } else {
      let database = {
        url: inject('databaseUrl'),
        adminUrl: inject('serverUrl') === null ? null : inject('adminUrl'),
      }
      if (needs.database) {
        const own = await ownPostgres(needs, cleanUp)
        if (!own) return undefined
        Object.assign(parts, own)
        database = {
          url: own.postgres.url('arc', 'arc_service'),
          adminUrl: own.postgres.url('arc'),
        }
      }
      parts.databaseWay = await DatabaseProxy.open(database.url, database.adminUrl)
      cleanUp.push(() => parts.databaseWay!.close())
      env.DATABASE_URL = parts.databaseWay.url
    }
    const start = async () => {
      const server = await ArcProcess.start(env)
      cleanUp.push(() => server.stop())
      return server
    }
    const server = await start()
    if (needs.beside) parts.beside = await start()
    parts.clientsWay = await ServerProxy.open(server.url)
    cleanUp.push(() => parts.clientsWay!.close())
    return new AccidentScene(server, parts as Parts)
  }

  private constructor(server: ArcProcess, parts: Parts) {
    this.server = server
    this.#parts = parts
  }

  get beside(): ArcProcess {
    return this.#parts.beside
  }

  /** From the clients to the server. */
  get clientsWay(): ServerProxy {
    return this.#parts.clientsWay
  }

  /** From the server to its database. */
  get databaseWay(): DatabaseProxy {
    return this.#parts.databaseWay
  }

  get postgres(): PostgresServer {
    return this.#parts.postgres
  }

  get disk(): SmallDisk {
    return this.#parts.disk
  }

  /** A client of a tenant that nobody else uses, as it reaches the server by its way. */
  async newTenant(): Promise<ArcClientOptions & { token: string }> {
    const token = await new Arc().tenant().token('app_user', DAY_SECONDS)
    return { url: this.clientsWay.url, token }
  }
}

interface Parts {
  beside: ArcProcess
  clientsWay: ServerProxy
  databaseWay: DatabaseProxy
  postgres: PostgresServer
  disk: SmallDisk
}

async function ownPostgres({ disk: on }: Needs, cleanUp: (() => Promise<unknown>)[]) {
  const folder = new ServerFolder()
  cleanUp.push(async () => folder.remove())
  let small: ServerFolder | undefined
  let disk: SmallDisk | undefined
  if (on) {
    disk = await SmallDisk.make(DISK_MB)
    if (!disk) return undefined
    cleanUp.push(async () => disk!.remove())
    small = new ServerFolder(disk.path)
  }
  const [data, log] = on === 'of the data' ? [small!, folder] : [folder, small ?? folder]
  const postgres = await PostgresServer.create(data, 'data', SMALL_WAL, '--waldir', join(log.path, 'log'))
  cleanUp.push(async () => postgres.kill())
  const adminUrl = await postgres.database('arc')
  await migrate(adminUrl)
  await makeServiceLogin(adminUrl, 'arc_service', 'secret')
  return { postgres, disk }
}
