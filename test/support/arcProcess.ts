import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { JWT_SECRET } from './arc.ts'
import { freePort } from './freePort.ts'
import { type Figures, figuresAt } from './prometheusText.ts'

export interface Memory {
  /** Heap and what V8 holds outside of it, after a collection. */
  usedMb: number
  residentMb: number
}

const CHILD = fileURLToPath(new URL('./arcChild.ts', import.meta.url))

/** A server in a process of its own, which may be killed and started again, at the same address. */
export class ArcProcess {
  readonly url: string
  readonly #env: NodeJS.ProcessEnv
  #child: ChildProcess | undefined

  /** Resolves when it serves. */
  static async start(env: NodeJS.ProcessEnv): Promise<ArcProcess> {
    const arc = new ArcProcess(await freePort(), await freePort(), env)
    await arc.start()
    return arc
  }

  private constructor(port: number, metricsPort: number, env: NodeJS.ProcessEnv) {
    this.url = `http://127.0.0.1:${port}/graphql`
    this.#env = {
      ...process.env,
      NODE_OPTIONS: '',
      PORT: String(port),
      ARC_METRICS_PORT: String(metricsPort),
      ARC_JWT_SECRET: JWT_SECRET,
      ARC_LOG_LEVEL: process.env.ARC_LOG_LEVEL ?? 'silent',
      ARC_START_SECONDS: '30',
      ARC_SAMPLE: 'off',
      ARC_EMBEDDINGS: 'none',
      ...env,
    }
  }

  async start(): Promise<void> {
    const child = fork(CHILD, [], {
      env: this.#env,
      execArgv: ['--import', import.meta.resolve('tsx'), '--expose-gc'],
    })
    this.#child = child
    await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code, signal]) => {
        throw new Error(`a server ended before it served (${code ?? signal})`)
      }),
    ])
  }

  /** As the kernel does it where memory runs out: with no word to anybody. */
  async kill(): Promise<void> {
    const child = this.#child!
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  /** What it gives Prometheus. */
  figures(): Promise<Figures> {
    return figuresAt(`http://127.0.0.1:${this.#env.ARC_METRICS_PORT}/metrics`)
  }

  async memory(): Promise<Memory> {
    const answer = once(this.#child!, 'message')
    this.#child!.send('memory')
    return (await answer)[0] as Memory
  }

  async stop(): Promise<void> {
    const child = this.#child!
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.disconnect()
    await exited
  }
}
