import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { signToken } from '../../src/auth/tokens.ts'
import { LOCAL_TENANT } from '../../src/commands/token.ts'
import { readConfig } from '../../src/config.ts'
import { DatabaseUnusable } from '../../src/db/unusable.ts'
import { Arc } from '../support/arc.ts'
import { refusal } from '../support/tlsInFront.ts'

const ARC = ['--import', import.meta.resolve('tsx'), resolve('src/main.ts'), 'serve']

/** A server as a newcomer starts it: a process of its own, on a folder of its own. */
class Served {
  readonly process: ChildProcess
  readonly ended: Promise<number | null>
  readonly #dataDir: string
  output = ''

  constructor(dataDir: string, env: NodeJS.ProcessEnv = {}, command = [process.execPath, ...ARC]) {
    const { DATABASE_URL: _, ARC_JWT_SECRET: __, NODE_ENV: ___, ...inherited } = process.env
    this.#dataDir = dataDir
    this.process = spawn(command[0]!, command.slice(1), {
      cwd: dataDir,
      env: {
        ...inherited,
        ARC_DATA_DIR: dataDir,
        PORT: '0',
        ARC_LOG_LEVEL: 'warn',
        ARC_START_SECONDS: '0',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.ended = new Promise((resolve) => this.process.once('exit', resolve))
    for (const stream of [this.process.stdout!, this.process.stderr!]) {
      stream.on('data', (data) => {
        this.output += data
      })
    }
  }

  /** Resolves when it serves, with a token of the secret in its folder; rejects when it ends before. */
  async ready(): Promise<{ url: string; token: string }> {
    const url = await new Promise<string>((resolve, reject) => {
      const look = () => {
        const url = /GraphQL +(?:at )?(http:\S+)/.exec(this.output)?.[1]
        if (url && (this.output.includes('subscription') || this.output.includes('at http'))) resolve(url)
      }
      this.process.stdout!.on('data', look)
      void this.ended.then(() => reject(new Error(`it ended before it served:\n${this.output}`)))
    })
    const { auth } = readConfig({ ARC_DATA_DIR: this.#dataDir })
    const token = await signToken(auth, {
      tenantId: LOCAL_TENANT,
      actorId: 'test',
      role: 'app_user',
      lifetimeSeconds: 3_600,
    })
    return { url, token }
  }

  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
    this.process.kill(signal)
    return this.ended
  }
}

const servers: Served[] = []
const folders: string[] = []

function folder(): string {
  const name = mkdtempSync(join(tmpdir(), 'arc-serve-'))
  folders.push(name)
  return name
}

function serve(dataDir: string, env?: NodeJS.ProcessEnv, command?: string[]): Served {
  const server = new Served(dataDir, env, command)
  servers.push(server)
  return server
}

afterEach(async () => {
  for (const server of servers.splice(0)) {
    if (server.process.exitCode === null && server.process.signalCode === null) await server.stop('SIGKILL')
  }
  for (const name of folders.splice(0)) rmSync(name, { recursive: true, force: true })
})

async function ask(
  { url, token }: { url: string; token: string },
  query: string,
  variables = {},
): Promise<any> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = (await response.json()) as any
  expect(errors).toBeUndefined()
  return data
}

describe('arc serve', () => {
  it('serves, keeps what it was given over a stop, and keeps a second process out', async () => {
    const dataDir = folder()
    const first = serve(dataDir, { ARC_SAMPLE: 'false' })
    const at = await first.ready()
    await ask(
      at,
      `mutation { upsertScenarios(input: { scenarios: [{ scenarioId: "kept", taskPrompt: "Stay." }] }) { errors { code } } }`,
    )

    const second = serve(dataDir)
    expect(await second.ended).toBe(1)
    expect(second.output).toMatch(/is in use by another Arc \(process \d+\)/)

    expect(await first.stop()).toBe(0)
    const again = await serve(dataDir, { ARC_SAMPLE: 'false' }).ready()
    expect(await ask({ url: again.url, token: at.token }, '{ scenarios { nodes { scenarioId } } }')).toEqual({
      scenarios: { nodes: [{ scenarioId: 'kept' }] },
    })
  }, 90_000)

  it('says what is wrong with its settings in one line', async () => {
    for (const [env, message] of [
      [{ PORT: 'four' }, 'PORT must be a whole number'],
      [{ ARC_JWT_SECRET: 'short' }, 'at least 32 bytes'],
      [{ NODE_ENV: 'production' }, 'Set ARC_JWT_SECRET'],
    ] as const) {
      const server = serve(folder(), env)
      expect([message, await server.ended]).toEqual([message, 1])
      expect(server.output).toContain(message)
      expect(server.output.trim().split('\n')).toHaveLength(1)
    }
  }, 90_000)
})

/** Three parts of base64url, as JWTs have. */
const TOKEN = /eyJ[\w-]+\.[\w-]+\.[\w-]+/
const hasScript = spawnSync('script', ['--version']).status === 0

describe('what it prints', () => {
  // It is there already: nothing has to be migrated.
  const env = { DATABASE_URL: inject('databaseUrl') }
  const inTerminal = ['script', '-qfec', [process.execPath, ...ARC].join(' '), '/dev/null']

  it('has no token where it may be kept', async () => {
    const server = serve(folder(), env)
    await server.ready()
    expect(server.output).not.toMatch(TOKEN)
    expect(server.output).toContain('npm run -s token')
  }, 60_000)

  it.skipIf(!hasScript)(
    'has one in a terminal, behind the link to GraphiQL too',
    async () => {
      const server = serve(folder(), env, inTerminal)
      await server.ready()
      expect(server.output).toMatch(new RegExp(`^GraphiQL +http:\\S+#token=${TOKEN.source}`, 'm'))
      expect(server.output).toMatch(new RegExp(`^Token +${TOKEN.source}`, 'm'))
      await server.stop('SIGTERM')
    },
    60_000,
  )

  it.skipIf(!hasScript)(
    'in production is where it serves, and nothing more',
    async () => {
      const secret = { ARC_JWT_SECRET: 'a secret of production, of 32 bytes and more' }
      const server = serve(folder(), { ...env, ...secret, NODE_ENV: 'production' }, inTerminal)
      await server.ready()
      expect(server.output.trim()).toMatch(/^Arc serves GraphQL at http:\S+$/)
      await server.stop('SIGTERM')
    },
    60_000,
  )
})

describe('the environment', () => {
  it('of PostgreSQL’s own programs is not the embedded database’s', async () => {
    const server = serve(folder(), {
      ARC_SAMPLE: 'false',
      PGHOST: 'elsewhere.invalid',
      PGPORT: '1',
      PGUSER: 'nobody',
      PGDATABASE: 'nothing',
      PGPASSWORD: 'wrong',
      PGSSLMODE: 'verify-full',
      PGSSLNEGOTIATION: 'direct',
      PGOPTIONS: '-c search_path=nowhere',
      PGAPPNAME: 'psql',
    })
    const at = await server.ready()
    expect(await ask(at, '{ scenarios { totalCount } health { status } }')).toEqual({
      scenarios: { totalCount: 0 },
      health: { status: 'HEALTHY' },
    })
  }, 60_000)

  it('is completed by a file .env', async () => {
    const dataDir = folder()
    writeFileSync(join(dataDir, '.env'), 'PORT=four\nARC_MAX_DEPTH=seven\n')
    const server = serve(dataDir)
    expect(await server.ended).toBe(1)
    // What is set outside comes first.
    expect(server.output).toMatch(/^arc: ARC_MAX_DEPTH must be a whole number.*"seven"\.$/m)
  }, 60_000)
})

/** Answers whoever connects in PostgreSQL's protocol, with the error. */
function refusing(code: string, message: string) {
  return (socket: Socket) => socket.once('data', () => socket.end(refusal(code, message)))
}

describe('a database that cannot be used', () => {
  it.each<[of: string, answer: (socket: Socket) => unknown, query: string, sentence: RegExp]>([
    ['password', refusing('28P01', 'password authentication failed'), '', /does not accept the password/],
    ['login', refusing('28000', 'no pg_hba.conf entry'), '', /does not let this login in .*pg_hba\.conf/],
    [
      'name',
      refusing('3D000', 'database "arc" does not exist'),
      '',
      /There is no database .*\/arc: create it/,
    ],
    ['recovery', refusing('57P03', 'the database system is starting up'), '', /is not ready .*try again/],
    ['connections', refusing('53300', 'too many clients'), '', /max_connections/],
    [
      'TLS',
      (socket) => socket.once('data', () => socket.write('N')),
      '?sslmode=require',
      /does not speak TLS/,
    ],
    ['other service', (socket) => socket.destroy(), '', /hung up: check that it is PostgreSQL/],
    ['CA', () => {}, '?sslmode=verify-ca', /sslrootcert/],
  ])(
    'is explained in one sentence, with what to do (%s)',
    async (_, answer, query, sentence) => {
      const fake = createServer((socket) => {
        socket.on('error', () => {})
        answer(socket)
      })
      await new Promise<void>((resolve) => fake.listen(0, '127.0.0.1', resolve))
      const { port } = fake.address() as { port: number }
      try {
        const arc = new Arc({ DATABASE_URL: `postgresql://arc:secret@127.0.0.1:${port}/arc${query}` })
        const error = await arc.start().catch((thrown: Error) => thrown)
        expect(error).toBeInstanceOf(DatabaseUnusable)
        expect((error as Error).message).toMatch(sentence)
        expect((error as Error).message).not.toMatch(/secret|\n/)
      } finally {
        await new Promise((resolve) => fake.close(resolve))
      }
    },
    60_000,
  )

  it('is explained without a stack trace', async () => {
    const server = serve(folder(), { DATABASE_URL: 'postgresql://arc@localhost:1/arc' })
    expect(await server.ended).toBe(1)
    expect(server.output.trim()).toBe(
      `arc: Nothing listens at localhost:1/arc (ECONNREFUSED): start the database, or correct host and port in the URL.`,
    )
  }, 60_000)
})
