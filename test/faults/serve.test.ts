import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'

/** A server as a newcomer starts it: a process of its own, on a folder of its own. */
class Served {
  readonly process: ChildProcess
  readonly ended: Promise<number | null>
  output = ''

  constructor(dataDir: string, env: NodeJS.ProcessEnv = {}) {
    const { DATABASE_URL: _, ARC_JWT_SECRET: __, NODE_ENV: ___, ...inherited } = process.env
    this.process = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts', 'serve'], {
      env: { ...inherited, ARC_DATA_DIR: dataDir, PORT: '0', ARC_LOG_LEVEL: 'warn', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.ended = new Promise((resolve) => this.process.once('exit', resolve))
    for (const stream of [this.process.stdout!, this.process.stderr!]) {
      stream.on('data', (data) => {
        this.output += data
      })
    }
  }

  /** What it printed: resolves when it serves, rejects when it ends before. */
  async ready(): Promise<{ url: string; token: string }> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const url = /GraphQL +(http:\S+)/.exec(this.output)?.[1]
        const token = /^Token +(\S+)/m.exec(this.output)?.[1]
        if (url && token && this.output.includes('subscription')) resolve({ url, token })
      }
      this.process.stdout!.on('data', look)
      void this.ended.then(() => reject(new Error(`it ended before it served:\n${this.output}`)))
    })
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

function serve(dataDir: string, env?: NodeJS.ProcessEnv): Served {
  const server = new Served(dataDir, env)
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
  it('serves with the token it prints, keeps what it was given over a stop, and keeps a second process out', async () => {
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

  it('loses no outcome that it has answered for when it is killed', async () => {
    const dataDir = folder()
    const server = serve(dataDir, { ARC_SAMPLE: 'false' })
    const at = await server.ready()
    await ask(
      at,
      `mutation { upsertScenarios(input: { scenarios: [{ scenarioId: "kept", taskPrompt: "Stay." }] }) { errors { code } } }`,
    )
    await server.stop('SIGKILL')
    const again = await serve(dataDir, { ARC_SAMPLE: 'false' }).ready()
    expect((await ask(again, '{ scenarios { totalCount } }')).scenarios.totalCount).toBe(1)
  }, 90_000)

  it('says what is wrong with its settings in one line', async () => {
    for (const [env, message] of [
      [{ PORT: 'four' }, 'PORT must be a whole number'],
      [{ ARC_JWT_SECRET: 'short' }, 'at least 32 bytes'],
      [{ NODE_ENV: 'production' }, 'Set ARC_JWT_SECRET'],
      [{ DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none' }, 'ECONNREFUSED'],
    ] as const) {
      const server = serve(folder(), env)
      expect([message, await server.ended]).toEqual([message, 1])
      expect(server.output).toContain(message)
      expect(server.output.trim().split('\n')).toHaveLength(1)
    }
  }, 90_000)
})
