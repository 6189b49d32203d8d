import { EventEmitter } from 'node:events'
import { pino } from 'pino'
import { expect, it, vi } from 'vitest'
import { createPool } from '../../../src/db/pool.ts'
import { countRowsFor, ReadBudget } from '../../../src/db/readBudget.ts'
import { withoutMarks } from '../../../src/exactNumbers.ts'

const JSONB = 3802

function connected() {
  const pool = createPool({
    connectionString: 'postgresql://nowhere/x',
    max: 1,
    logger: pino({ level: 'silent' }),
  })
  const stream = { destroy: vi.fn() }
  const connection = Object.assign(new EventEmitter(), { stream })
  pool.emit('connect', Object.assign(new EventEmitter(), { connection }) as never)
  const rowOf = (length: number, ...fields: (string | null)[]) => {
    connection.emit('dataRow', { length, fields })
    return fields
  }
  return { connection, rowOf, hangUp: stream.destroy }
}

it('a row that is more than an operation may read is not looked into', async () => {
  const { connection, rowOf, hangUp } = connected()
  connection.emit('rowDescription', { fields: [{ dataTypeID: JSONB }] })
  const json = '[9007199254740993]'
  const budget = new ReadBudget({ bytes: 150, memory: 100_000 }, () => {})
  await countRowsFor(budget, async (claim) => rowOf(10, null, claim))
  const [within] = rowOf(100, json)
  expect(within).not.toBe(json)
  expect(withoutMarks(within!)).toBe(json)
  expect(hangUp).not.toHaveBeenCalled()
  expect(rowOf(100, json)).toEqual([null])
  expect(hangUp).toHaveBeenCalled()
})

it('what the tree of a row would take counts, which may be many times its text', async () => {
  const { rowOf, hangUp } = connected()
  const taken: number[] = []
  const budget = new ReadBudget({ bytes: 100_000, memory: 100_000 }, (bytes) => taken.push(bytes))
  await countRowsFor(budget, async (claim) => rowOf(10, null, claim))
  rowOf(1_000, 'x'.repeat(1_000))
  rowOf(1_000, `["${'x'.repeat(996)}"]`)
  rowOf(1_000, `[${'{},'.repeat(332)}0]`)
  expect(taken).toEqual([1_064, 1_128, 1_000 + 64 * (1 + 1 + 2 * 332)])
  expect(budget.refusal).toBeUndefined()
  rowOf(1_000, `[${'{},'.repeat(332)}0]`)
  rowOf(1_000, `[${'{},'.repeat(332)}0]`)
  expect(budget.refusal).toMatchObject({
    code: 'TOO_LARGE',
    message: expect.stringMatching(/100000 bytes of memory \(ARC_MAX_ROW_BYTES_PER_TENANT\)/),
  })
  expect(hangUp).toHaveBeenCalled()
})
