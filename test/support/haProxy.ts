import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './freePort.ts'
import type { Certificate } from './tlsInFront.ts'

export const hasHaProxy = spawnSync('haproxy', ['-v']).status === 0
if (!hasHaProxy) console.log('Tests behind HAProxy are skipped: there is none on the path.')

/** HAProxy as deploy/ sets it up, but for ports and files. */
export class HaProxy {
  readonly httpsPort: number
  readonly httpPort: number
  log = ''
  readonly #process: ChildProcess
  readonly #folder: string

  /** `serverUrls`: those behind it. */
  static async start(certificate: Certificate, serverUrls: readonly string[]): Promise<HaProxy> {
    const folder = mkdtempSync(join(tmpdir(), 'arc-haproxy-'))
    const [httpsPort, httpPort] = [await freePort(), await freePort()]
    writeFileSync(join(folder, 'arc.pem'), `${certificate.cert}${certificate.key}`)
    const servers = serverUrls.map((url, index) => `  server arc${index + 1} ${new URL(url).host}`)
    writeFileSync(
      join(folder, 'cfg'),
      readFileSync('deploy/haproxy.cfg', 'utf8')
        .replace('bind :443', `bind 127.0.0.1:${httpsPort}`)
        .replace('bind :80', `bind 127.0.0.1:${httpPort}`)
        .replace('/etc/haproxy/arc.pem', join(folder, 'arc.pem'))
        .replace(/^ {2}server arc1 .*$/m, servers.join('\n')),
    )
    return new HaProxy(folder, httpsPort, httpPort)
  }

  private constructor(folder: string, httpsPort: number, httpPort: number) {
    this.#folder = folder
    this.httpsPort = httpsPort
    this.httpPort = httpPort
    this.#process = spawn('haproxy', ['-db', '-f', join(folder, 'cfg')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#process.stdout!, this.#process.stderr!])
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
