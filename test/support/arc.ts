import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, vi } from 'vitest'
import { signToken } from '../../src/auth/tokens.ts'
import { type Config, readConfig } from '../../src/config.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { type ArcServer, startServer } from '../../src/server.ts'
import type { Role } from '../../src/viewer.ts'
import { recordStatements, watchStatements } from './recordedStatements.ts'
import { SOON } from './soon.ts'

export const JWT_SECRET = 'a secret that only tests know, of 32 bytes and more'

export interface Answer {
  status: number
  headers: Headers
  data: any
  errors:
    | {
        message: string
        path?: (string | number)[]
        extensions: { code: string; input?: (string | number)[] }
      }[]
    | undefined
}

/** A tenant that nobody else uses, and what it can ask. */
export class Tenant {
  readonly tenantId = randomUUID()
  readonly #arc: Arc
  #token: Promise<string> | undefined

  constructor(arc: Arc) {
    this.#arc = arc
  }

  token(role: Role = 'app_user', lifetimeSeconds = 3600): Promise<string> {
    return signToken(this.#arc.config.auth, {
      tenantId: this.tenantId,
      actorId: `actor of ${role}`,
      role,
      lifetimeSeconds,
    })
  }

  /** One operation over HTTP, whatever comes back. */
  async ask(query: string, variables: object = {}, role: Role = 'app_user'): Promise<Answer> {
    this.#token ??= this.token()
    return this.#arc.post(
      { query, variables },
      role === 'app_user' ? await this.#token : await this.token(role),
    )
  }

  /** Nobody holds a connection or waits for one: soon, as jobs have one now and then. */
  async expectConnectionsGivenBack(): Promise<void> {
    await vi.waitFor(async () => {
      const { health } = await this.data('{ health { poolStats { total idle waiting } } }')
      const { total, idle, waiting } = health.poolStats
      expect({ taken: total - idle, waiting }).toEqual({ taken: 0, waiting: 0 })
    }, SOON)
  }

  /** The data of an operation that has to go well. */
  async data(query: string, variables: object = {}): Promise<any> {
    const { data, errors } = await this.ask(query, variables)
    expect(errors).toBeUndefined()
    return data
  }

  async configVersion(
    name = 'agent',
    yaml = 'model: gpt-4\ntemperature: 0.5\n',
  ): Promise<{ configId: string; versionId: string }> {
    const { createConfiguration } = await this.data(
      `mutation ($input: CreateConfigurationInput!) {
        createConfiguration(input: $input) { configuration { configId } version { versionId } errors { message } }
      }`,
      { input: { name, yaml } },
    )
    expect(createConfiguration.errors).toEqual([])
    return {
      configId: createConfiguration.configuration.configId,
      versionId: createConfiguration.version.versionId,
    }
  }

  async scenarios(...ids: string[]): Promise<string[]> {
    const { upsertScenarios } = await this.data(
      `mutation ($scenarios: [ScenarioInput!]!) {
        upsertScenarios(input: { scenarios: $scenarios }) { receipts { scenarioId status } errors { message } }
      }`,
      { scenarios: ids.map((scenarioId) => ({ scenarioId, taskPrompt: `Do ${scenarioId}.` })) },
    )
    expect(upsertScenarios.errors).toEqual([])
    return ids
  }

  /** A running simulation of the scenarios, which are made on the way. */
  async simulation(scenarioIds: string[], more: object = {}): Promise<string> {
    const { versionId } = await this.configVersion(`agent ${randomUUID()}`)
    await this.scenarios(...scenarioIds)
    const { startSimulation } = await this.data(
      `mutation ($input: StartSimulationInput!) {
        startSimulation(input: $input) { simulation { simulationId } errors { message } }
      }`,
      { input: { configVersionId: versionId, scenarioIds, ...more } },
    )
    expect(startSimulation.errors).toEqual([])
    return startSimulation.simulation.simulationId
  }

  async record(outcomes: object[]): Promise<{ receipts: any[]; errors: any[]; storedCount: number }> {
    const { recordOutcomes } = await this.data(
      `mutation ($outcomes: [OutcomeInput!]!) {
        recordOutcomes(input: { outcomes: $outcomes }) {
          storedCount
          receipts { index outcomeId status code reason path differences notes }
          errors { code message path }
        }
      }`,
      { outcomes },
    )
    return recordOutcomes
  }
}

/** The same database, as its owner logs in. */
function ownerOf(databaseUrl: string, { username, password }: URL): string {
  return Object.assign(new URL(databaseUrl), { username, password }).href
}

/** A real server on a free port, on the database of this test run. */
export class Arc {
  readonly config: Config
  readonly databaseUrl: string
  readonly adminUrl: string
  readonly onPGlite = inject('serverUrl') === null
  readonly #log: { write(line: string): void } | undefined
  #server: ArcServer | undefined

  /** `log`: takes the lines of the server's log; standard output when not given. `own`: where it has no other's database. */
  constructor(
    env: NodeJS.ProcessEnv = {},
    log?: { write(line: string): void },
    own?: { url: string; serviceUrl: string },
  ) {
    this.#log = log
    const [databaseUrl, adminUrl] = [inject('databaseUrl'), new URL(inject('adminUrl'))]
    // A way of its own to the same database is for the server alone.
    const other = env.DATABASE_URL && new URL(env.DATABASE_URL).pathname !== new URL(databaseUrl).pathname
    this.databaseUrl = own?.serviceUrl ?? (other ? env.DATABASE_URL! : databaseUrl)
    this.adminUrl = own?.url ?? (other ? ownerOf(env.DATABASE_URL!, adminUrl) : adminUrl.href)
    const poolerUrl = own ? null : inject('poolerUrl')
    this.config = readConfig({
      PORT: '0',
      DATABASE_URL: poolerUrl ?? this.databaseUrl,
      // PgBouncer has no LISTEN. What has a way of its own to the database listens there as well.
      ...(poolerUrl !== null && !env.DATABASE_URL && { DATABASE_DIRECT_URL: this.databaseUrl }),
      ARC_JWT_SECRET: JWT_SECRET,
      ARC_LOG_LEVEL: process.env.ARC_LOG_LEVEL ?? 'silent',
      ARC_POOL_SIZE: '8',
      ARC_POOL_BURST: '6',
      ARC_START_SECONDS: '0',
      // The model takes 240 MB and a core: where it is wanted.
      ARC_EMBEDDINGS: 'none',
      // Off: the same tests by resolvers.
      ARC_COMPILED_READS: process.env.ARC_COMPILED_READS ?? 'on',
      // 0: the same tests with outcomes in steps of time, which otherwise are for many chunks.
      ...(process.env.ARC_PLANNED_CHUNKS && { ARC_PLANNED_CHUNKS: process.env.ARC_PLANNED_CHUNKS }),
      ...env,
    })
  }

  async start(): Promise<void> {
    this.#server = await startServer(this.config, createLogger(this.config.logLevel, this.#log))
  }

  async stop(): Promise<void> {
    await this.#server?.close()
  }

  get url(): string {
    return this.#server!.url
  }

  get metricsUrl(): string {
    return this.#server!.metricsUrl!
  }

  get webSocketUrl(): string {
    return this.url.replace(/^http/, 'ws')
  }

  tenant(): Tenant {
    return new Tenant(this)
  }

  /** A request as any client sends it. */
  async post(body: object, token?: string, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...headers,
      },
      body: JSON.stringify(body),
    })
    const { data, errors } = (await response.json()) as Pick<Answer, 'data' | 'errors'>
    return { status: response.status, headers: response.headers, data, errors }
  }

  /** A connection past the server: as the database's owner, or as the service's login. */
  async sql<Result>(
    login: 'admin' | 'service',
    work: (client: pg.Client) => Promise<Result>,
  ): Promise<Result> {
    const client = new pg.Client({ connectionString: login === 'admin' ? this.adminUrl : this.databaseUrl })
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }

  /** The texts of the statements that somebody asked for while `work` ran: see recordStatements. */
  async statementsDuring(...recorded: Parameters<typeof recordStatements>): Promise<string[]> {
    return (await recordStatements(...recorded)).map(({ text }) => text)
  }

  /** How many bytes come from the database while `work` runs, on the connections of those statements. */
  async bytesDuring(work: () => Promise<unknown>): Promise<number> {
    const before = new Map<Socket, number>()
    await watchStatements(work, ({ connection: { stream } }) => {
      if (!before.has(stream as Socket)) before.set(stream as Socket, (stream as Socket).bytesRead)
      return undefined
    })
    return [...before].reduce((sum, [{ bytesRead }, from]) => sum + bytesRead - from, 0)
  }
}

/** Starts a server before the tests of a file and stops it after them; a connection that nobody gave back fails them. */
export function useArc(env?: NodeJS.ProcessEnv): Arc {
  const arc = new Arc(env)
  beforeAll(() => arc.start())
  afterAll(async () => {
    // What a client left may still be read to its end.
    await arc.tenant().expectConnectionsGivenBack()
    await arc.stop()
  })
  return arc
}
