import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext, TLSSocket } from 'node:tls'
import pg from 'pg'
import { tieTogether } from './tiedSockets.ts'

/** It makes certificates; Node does not. */
const OPENSSL = 'openssl'

export const hasOpenSsl = spawnSync(OPENSSL, ['version']).status === 0
if (!hasOpenSsl) console.log('Tests with TLS are skipped: there is no openssl on the path.')

/** A certificate of its own CA, which is itself, for `localhost`. */
export interface Certificate {
  key: string
  cert: string
  /** The file that sslrootcert names. */
  file: string
  remove(): void
}

export function selfSigned(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'arc-tls-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const { status, stderr } = spawnSync(
    OPENSSL,
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost
      -addext subjectAltName=DNS:localhost -keyout ${key} -out ${cert}`.split(/\s+/),
  )
  if (status !== 0) throw new Error(`openssl: ${stderr}`)
  return {
    key: readFileSync(key, 'utf8'),
    cert: readFileSync(cert, 'utf8'),
    file: cert,
    remove: () => rmSync(folder, { recursive: true }),
  }
}

/** Which connections a server lets in, as its postgresql.conf and pg_hba.conf say. */
export interface Doors {
  /** Whether it has TLS at all. */
  tls: boolean
  admits: readonly ('tls' | 'plain')[]
}

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/** A database with other doors than its own. */
export class TlsInFront {
  /** How those came who were let in. */
  readonly admitted: ('tls' | 'plain')[] = []
  readonly #server: Server
  readonly #url: URL

  static async open(databaseUrl: string, certificate: Certificate, doors: Doors): Promise<TlsInFront> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new TlsInFront(server, databaseUrl, certificate, doors)
  }

  private constructor(server: Server, databaseUrl: string, certificate: Certificate, doors: Doors) {
    this.#server = server
    this.#url = new URL(databaseUrl)
    this.#url.hostname = 'localhost'
    this.#url.port = String((server.address() as { port: number }).port)
    const { host, port } = new pg.Client({ connectionString: databaseUrl })
    const secureContext = createSecureContext(certificate)

    const admit = (socket: Socket, how: 'tls' | 'plain', startup: Buffer) => {
      if (!doors.admits.includes(how)) {
        socket.end(refusal('28000', `no pg_hba.conf entry for this connection (${how})`))
        return
      }
      this.admitted.push(how)
      const upstream = connect(
        host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port },
        () => {
          upstream.write(startup)
          socket.pipe(upstream).pipe(socket)
        },
      )
      tieTogether(socket, upstream, () => {})
    }

    server.on('connection', (socket) => {
      socket.on('error', () => {})
      socket.once('data', (first) => {
        if (!first.equals(SSL_REQUEST)) {
          admit(socket, 'plain', first)
        } else if (doors.tls) {
          socket.write('S')
          const secured = new TLSSocket(socket, { isServer: true, secureContext })
          secured.on('error', () => {})
          secured.once('data', (startup) => admit(secured, 'tls', startup))
        } else {
          socket.write('N')
          socket.once('data', (startup) => admit(socket, 'plain', startup))
        }
      })
    })
  }

  url(query: Record<string, string>, hostname = 'localhost'): string {
    const url = new URL(this.#url)
    url.hostname = hostname
    url.search = new URLSearchParams(query).toString()
    return url.toString()
  }

  async close(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** An ErrorResponse of PostgreSQL's protocol. */
export function refusal(code: string, message: string): Buffer {
  const body = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`)
  const head = Buffer.from('E0000')
  head.writeInt32BE(4 + body.length, 1)
  return Buffer.concat([head, body])
}
