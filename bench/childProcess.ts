import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const START_PATIENCE_MS = 60_000
const STOP_PATIENCE_MS = 10_000

/** A server in a process of its own, so that it shares neither thread nor memory with the load generator. */
export class ChildServer<Started> {
  readonly #process: ChildProcess
  readonly started: Started

  private constructor(process: ChildProcess, started: Started) {
    this.#process = process
    this.started = started
  }

  /** Resolves when the child has sent its first message. With `env` beside its environment. */
  static async start<Started>(file: URL, env: Record<string, string>): Promise<ChildServer<Started>> {
    const child = fork(fileURLToPath(file), [], {
      env: { ...process.env, NODE_ENV: 'production', ...env },
      execArgv: [...process.execArgv, '--max-semi-space-size=64', '--expose-gc'],
    })
    try {
      return new ChildServer(child, await answerOf<Started>(child, START_PATIENCE_MS))
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
  }

  /** One question at a time: the child answers each message with one. */
  ask<Answer>(question: string): Promise<Answer> {
    const answer = answerOf<Answer>(this.#process, START_PATIENCE_MS)
    this.#process.send(question)
    return answer
  }

  /** The child ends by itself when its channel closes; one that hangs is killed. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const exited = once(this.#process, 'exit')
    const lastResort = setTimeout(() => this.#process.kill('SIGKILL'), STOP_PATIENCE_MS)
    this.#process.disconnect()
    await exited
    clearTimeout(lastResort)
  }
}

async function answerOf<Answer>(child: ChildProcess, patienceMs: number): Promise<Answer> {
  const waiting = new AbortController()
  const { signal } = waiting
  const timer = setTimeout(() => waiting.abort(), patienceMs)
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([message]) => message as Answer),
      once(child, 'exit', { signal }).then(([code, killedBy]) => {
        throw new Error(`a server of the benchmark ended by itself (${code ?? killedBy})`)
      }),
    ])
  } finally {
    clearTimeout(timer)
    waiting.abort()
  }
}
