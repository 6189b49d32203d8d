import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { ConfigError, readConfig } from '../../src/config.ts'

const SECRET = { ARC_JWT_SECRET: 'a secret that only tests know, of 32 bytes and more' }
const HERE = 'postgresql://arc@127.0.0.1/arc'

describe('the settings', () => {
  it.each([
    ['disable', false],
    ['require', { rejectUnauthorized: false }],
    ['verify-full', {}],
  ])('take sslmode=%s as libpq does', (mode, tls) => {
    const { databaseUrl } = readConfig({ ...SECRET, DATABASE_URL: `${HERE}?sslmode=${mode}` })
    expect(new pg.Client({ connectionString: databaseUrl }).ssl).toEqual(tls)
  })

  it.each(['DATABASE_URL', 'DATABASE_DIRECT_URL', 'DATABASE_ADMIN_URL', 'TIMESCALE_SERVICE_URL'])(
    'take no sslmode that libpq does not know, in %s',
    (name) => {
      const url = 'postgresql://arc:password@127.0.0.1/arc?sslmode=requrie'
      const read = () => readConfig({ ...SECRET, [name]: url })
      expect(read).toThrow(ConfigError)
      expect(read).toThrow(
        `sslmode in ${name} must be one of disable, allow, prefer, require, verify-ca, verify-full, not "requrie".`,
      )
    },
  )

  it('take the URL of a Timescale service, which is its owner’s', () => {
    const service = 'postgresql://tsdbadmin@service.example/tsdb'
    expect(readConfig({ ...SECRET, TIMESCALE_SERVICE_URL: service })).toMatchObject({
      databaseUrl: service,
      databaseAdminUrl: service,
      sample: false,
    })
    expect(readConfig({ ...SECRET, TIMESCALE_SERVICE_URL: service, DATABASE_URL: HERE })).toMatchObject({
      databaseUrl: HERE,
      databaseAdminUrl: service,
    })
  })
})
