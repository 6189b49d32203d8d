import { pino } from 'pino'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { createPool } from '../../src/db/pool.ts'
import { readInOnePacket } from '../../src/db/readPacket.ts'

const statement = (text: string, values: readonly unknown[] = [], name?: string) => ({ name, text, values })

// The embedded database has one session for all, and is asked otherwise.
describe.skipIf(inject('serverUrl') === null)('statements that leave as one packet', () => {
  const pool = createPool({
    connectionString: inject('databaseUrl'),
    max: 1,
    logger: pino({ level: 'silent' }),
  })
  afterAll(() => pool.end())
  const read = async (...statements: ReturnType<typeof statement>[]) => {
    const client = await pool.connect()
    try {
      return await readInOnePacket(client, statements)
    } finally {
      client.release()
    }
  }

  it('are answered in order, with the last row of each, null, or nothing', async () => {
    expect(
      await read(
        statement('select $1::text', ['é']),
        statement('select null, 1'),
        statement('select where false'),
        statement('select n::text from generate_series(1, 3) n'),
        statement("select concat($1::int + 1, ' ', ($2::text[])[2])", [1, ['a', 'b"c']]),
      ),
    ).toEqual(['é', null, undefined, '3', '2 b"c'])
  })

  it('have long answers as bytes, whole and as they are, however they come', async () => {
    for (const length of [4_000, 18_000, 19_000, 1_000_000]) {
      const [text] = await read(statement(`select repeat('aé😀', $1::int)`, [length]), statement('select 1'))
      expect(Buffer.isBuffer(text)).toBe(length * 7 > 128 * 1024)
      expect(String(text)).toBe('aé😀'.repeat(length))
    }
  })

  it('have all digits, whatever was read on the connection before', async () => {
    const { rows } = await pool.query(`select '[12345678901234567890]'::jsonb as numbers`)
    expect(JSON.stringify(rows)).not.toContain('12345678901234567890]')
    const padding = 'x'.repeat(200_000)
    expect(
      await read(
        statement(`select '[12345678901234567890]'`),
        statement(`select '${padding}12345678901234567890'`),
      ),
    ).toEqual(['[12345678901234567890]', Buffer.from(`${padding}12345678901234567890`)])
    expect((await pool.query(`select repeat('y', 9000) as long`)).rows).toEqual([{ long: 'y'.repeat(9_000) }])
  })

  it('leave as a whole or not at all', async () => {
    const endless: unknown[] = []
    endless.push({ endless })
    await expect(read(statement('select 1'), statement('select $1::text', [endless]))).rejects.toThrow(
      'circular',
    )
    expect(await read(statement('select 2::text'))).toEqual(['2'])
  })

  it('are one transaction, of which nothing is carried out behind what fails, and what it prepared stays', async () => {
    const [one, other] = [statement('select 1::text', [], 'one'), statement('select 2::text', [], 'other')]
    await expect(read(one, statement('select 1 / 0'), other)).rejects.toMatchObject({ code: '22012' })
    expect(await read(other, one, other, one)).toEqual(['2', '1', '2', '1'])
    const { rows } = await pool.query(`select name from pg_prepared_statements order by name`)
    expect(rows).toEqual([{ name: 'one' }, { name: 'other' }])
    const [id, same] = await read(
      statement('select pg_current_xact_id()::text'),
      statement('select pg_current_xact_id()::text'),
    )
    expect(same).toBe(id)
  })
})
