import { EventEmitter } from 'node:events'
import { pino } from 'pino'
import { expect, it } from 'vitest'
import { createPool } from '../../../src/db/pool.ts'
import { countRowsFor, ReadBudget } from '../../../src/db/readBudget.ts'
import { withoutMarks } from '../../../src/exactNumbers.ts'

const JSONB = 3802

it('a row that is more than an operation may read is not looked into', async () => {
  const pool = createPool({
    connectionString: 'postgresql://nowhere/x',
    max: 1,
    logger: pino({ level: 'silent' }),
  })
  let hungUp = false
  const stream = { destroy: () => (hungUp = true) }
  const connection = Object.assign(new EventEmitter(), { stream })
  pool.emit('connect', Object.assign(new EventEmitter(), { connection }) as never)
  const rowOf = (length: number, ...fields: (string | null)[]) => {
    connection.emit('dataRow', { length, fields })
    return fields
  }

  connection.emit('rowDescription', { fields: [{ dataTypeID: JSONB }] })
  const json = '[9007199254740993]'
  await countRowsFor(new ReadBudget(150), async (claim) => rowOf(10, null, claim))
  const [within] = rowOf(100, json)
  expect(within).not.toBe(json)
  expect(withoutMarks(within!)).toBe(json)
  expect(hungUp).toBe(false)
  expect(rowOf(100, json)).toEqual([null])
  expect(hungUp).toBe(true)
})
