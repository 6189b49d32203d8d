import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { withClient } from '../../src/db/admin/adminClient.ts'
import { Arc, JWT_SECRET } from '../support/arc.ts'
import { cleanUp } from '../support/cleanUp.ts'
import { type Certificate, type Doors, hasOpenSsl, selfSigned, TlsInFront } from '../support/tlsInFront.ts'

const SERVERS = {
  'has no TLS': { tls: false, admits: ['plain'] },
  'offers TLS': { tls: true, admits: ['tls', 'plain'] },
  'wants TLS': { tls: true, admits: ['tls'] },
  'wants none': { tls: true, admits: ['plain'] },
} as const satisfies Record<string, Doors>

type What = keyof typeof SERVERS

const REFUSED = /does not let this login in/
const NO_TLS = /does not speak TLS/
const CERTIFICATE = /certificate of the database .* is not accepted/

/** By the documentation of libpq (SSL Mode Descriptions). */
const MODES: [mode: string, Record<What, 'tls' | 'plain' | RegExp>][] = [
  ['disable', { 'has no TLS': 'plain', 'offers TLS': 'plain', 'wants TLS': REFUSED, 'wants none': 'plain' }],
  ['allow', { 'has no TLS': 'plain', 'offers TLS': 'plain', 'wants TLS': 'tls', 'wants none': 'plain' }],
  ['prefer', { 'has no TLS': 'plain', 'offers TLS': 'tls', 'wants TLS': 'tls', 'wants none': 'plain' }],
  ['require', { 'has no TLS': NO_TLS, 'offers TLS': 'tls', 'wants TLS': 'tls', 'wants none': REFUSED }],
]

describe.skipIf(!hasOpenSsl)('sslmode', () => {
  let ours: Certificate
  let another: Certificate
  beforeAll(() => {
    ours = selfSigned()
    another = selfSigned()
  })
  afterAll(() => {
    ours.remove()
    another.remove()
  })

  async function serverThat(what: What): Promise<TlsInFront> {
    const server = await TlsInFront.open(inject('databaseUrl'), ours, SERVERS[what])
    cleanUp(() => server.close())
    return server
  }

  /** The way that a statement takes, or why there is none. */
  async function wayOf(server: TlsInFront, url: string): Promise<'tls' | 'plain' | string> {
    const { databaseUrl } = readConfig({ ARC_JWT_SECRET: JWT_SECRET, DATABASE_URL: url })
    try {
      await withClient(databaseUrl!, (client) => client.query('select 1'))
    } catch (error) {
      expect(server.admitted).toEqual([])
      return (error as Error).message
    }
    return server.admitted.at(-1)!
  }

  it.each(MODES.flatMap(([mode, ways]) => Object.entries(ways).map(([what, way]) => [mode, what, way])))(
    '%s, of a server that %s, is what libpq makes of it',
    async (mode, what, way) => {
      const server = await serverThat(what as What)
      expect(await wayOf(server, server.url({ sslmode: mode as string }))).toEqual(
        typeof way === 'string' ? way : expect.stringMatching(way as RegExp),
      )
    },
  )

  it.each<[mode: string, ca: 'no CA' | 'its CA' | 'another CA', host: string, way: 'tls' | RegExp]>([
    ['verify-ca', 'no CA', 'localhost', /sslrootcert/],
    ['verify-ca', 'its CA', '127.0.0.1', 'tls'],
    ['verify-ca', 'another CA', 'localhost', CERTIFICATE],
    ['verify-full', 'no CA', 'localhost', CERTIFICATE],
    ['verify-full', 'its CA', 'localhost', 'tls'],
    ['verify-full', 'its CA', '127.0.0.1', CERTIFICATE],
    ['verify-full', 'another CA', 'localhost', CERTIFICATE],
    // A CA that is given is asked, and nobody comes past it without TLS.
    ['require', 'its CA', '127.0.0.1', 'tls'],
    ['require', 'another CA', 'localhost', CERTIFICATE],
    ['prefer', 'its CA', '127.0.0.1', 'tls'],
    ['prefer', 'another CA', 'localhost', CERTIFICATE],
  ])('%s with %s, for %s, accepts a certificate or does not', async (mode, ca, host, way) => {
    const server = await serverThat('offers TLS')
    const sslrootcert = { 'no CA': undefined, 'its CA': ours.file, 'another CA': another.file }[ca]
    const url = server.url({ sslmode: mode, ...(sslrootcert && { sslrootcert }) }, host)
    expect(await wayOf(server, url)).toEqual(way === 'tls' ? way : expect.stringMatching(way))
  })

  it.each<[mode: string, what: What, way: 'tls' | 'plain']>([
    ['prefer', 'has no TLS', 'plain'],
    ['prefer', 'offers TLS', 'tls'],
    ['allow', 'wants TLS', 'tls'],
  ])('%s, of a server that %s, holds for every connection of a server', async (mode, what, way) => {
    const database = await serverThat(what)
    const direct = await serverThat(what)
    const arc = new Arc({
      DATABASE_URL: database.url({ sslmode: mode }),
      DATABASE_DIRECT_URL: direct.url({ sslmode: mode }),
    })
    await arc.start()
    try {
      await arc.tenant().simulation(['a'])
      for (const { admitted } of [database, direct]) expect(new Set(admitted)).toEqual(new Set([way]))
    } finally {
      await arc.stop()
    }
  })
})
