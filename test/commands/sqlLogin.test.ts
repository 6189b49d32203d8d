import { spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, inject, it } from 'vitest'
import { migrate } from '../../src/db/admin/migrator.ts'
import { emptyDatabase, query } from '../support/emptyDatabase.ts'

const ARC = ['--import', import.meta.resolve('tsx'), resolve('src/main.ts'), 'sql-login']

/** The command as somebody types it; what it prints, and how it ends. */
async function arc(options: string[], env: NodeJS.ProcessEnv = {}, input = '') {
  const { DATABASE_URL: _, DATABASE_ADMIN_URL: __, ARC_SQL_PASSWORD: ___, ...inherited } = process.env
  const command = spawn(process.execPath, [...ARC, ...options], { env: { ...inherited, ...env } })
  command.stdin.end(input)
  const [printed, complained, code] = await Promise.all([
    text(command.stdout),
    text(command.stderr),
    new Promise((resolve) => command.once('exit', resolve)),
  ])
  return { printed, complained, code }
}

it('says on the embedded database that logins need a server', async () => {
  const { complained, code } = await arc(['--tenant', randomUUID()])
  expect({ complained, code }).toEqual({
    complained: expect.stringContaining('The embedded database has one session'),
    code: 1,
  })
})

describe.skipIf(inject('serverUrl') === null)('arc sql-login', () => {
  it('makes a login, changes, lists and revokes it', async () => {
    const url = await emptyDatabase()
    await migrate(url)
    const env = { DATABASE_ADMIN_URL: url }
    const tenant = randomUUID()
    const name = `arc_test_sql_${randomBytes(4).toString('hex')}`
    const session = new URL(url)
    const limits = () =>
      query<{ setting: string }>(session.toString(), `select current_setting('statement_timeout') as setting`)

    const made = await arc(['--tenant', tenant, '--statement-timeout', '20'], env)
    expect(made).toMatchObject({ complained: '', code: 0 })
    const [, generated, password] =
      /login "(arc_sql_[0-9a-f]{8})" made.*\npassword \(shown once\): ([\w-]{32})\n$/s.exec(made.printed)!
    Object.assign(session, { username: generated, password })
    expect(await limits()).toEqual([{ setting: '20s' }])

    const named = await arc(['--tenant', tenant, '--name', name, '--password-stdin'], env, 'a secret\n')
    expect(named.printed).toBe(
      `login "${name}" made: it reads the views of schema analytics for tenant ${tenant}, 5 connections, 60 seconds a transaction\n`,
    )
    const changed = await arc(
      ['--tenant', tenant, '--name', name, '--connections', '2', '--statement-timeout', '30'],
      env,
    )
    expect(changed.printed).toContain(`login "${name}" changed`)
    Object.assign(session, { username: name, password: 'a secret' })
    expect(await limits()).toEqual([{ setting: '30s' }])

    const { printed } = await arc(['--list', '--tenant', tenant], env)
    expect(
      printed
        .split('\n')
        .sort()
        .map((line) => line.replace(/ since .*/, '')),
    ).toEqual([
      '',
      `${generated}  tenant ${tenant}  5 connections  20 s `,
      `${name}  tenant ${tenant}  2 connections  30 s `,
    ])
    expect((await arc(['--revoke', '--name', name], env)).printed).toBe(`login "${name}" revoked\n`)
    expect((await arc(['--revoke', '--tenant', tenant], env)).printed).toBe(`login "${generated}" revoked\n`)
    expect((await arc(['--list'], env)).printed).toBe('There are no logins for SQL.\n')
    expect(await query(url, `select from pg_roles where rolname in ('${name}', '${generated}')`)).toEqual([])
  }, 60_000)

  it.each([
    [[], 'Say with --tenant whose rows'],
    [['--tenant', 'x'], '--tenant must be a UUID'],
    [['--tenant', randomUUID(), '--name', 'A B'], '--name must be'],
    [['--tenant', randomUUID(), '--name', 'a'.repeat(64)], '--name must be'],
    [['--tenant', randomUUID(), '--name', 'pg_mine'], '--name must be'],
    [['--tenant', randomUUID(), '--connections', '0'], '--connections must be a whole number'],
    [
      ['--tenant', randomUUID(), '--statement-timeout', 'never'],
      '--statement-timeout must be a whole number',
    ],
    [['--tenant', randomUUID(), '--password-stdin'], 'The password is empty'],
    [['--revoke'], 'Say with --name which login'],
    [['--revoke', '--name', 'nobody'], 'There is no login "nobody" for SQL'],
    [['--tenant', randomUUID(), '--name', 'app_user'], 'There is a role "app_user" already'],
  ])('%j is refused in a sentence', async (options, sentence) => {
    const { complained, code } = await arc(options, { DATABASE_ADMIN_URL: inject('adminUrl') })
    expect({ complained, code }).toEqual({ complained: expect.stringContaining(`arc: ${sentence}`), code: 1 })
  })
})
