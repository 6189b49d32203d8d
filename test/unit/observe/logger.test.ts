import pg from 'pg'
import { expect, it } from 'vitest'
import { createLogger } from '../../../src/observe/logger.ts'

function logged(error: unknown): any {
  const lines: any[] = []
  createLogger('info', { write: (line) => lines.push(JSON.parse(line)) }).error({ err: error }, 'it failed')
  return lines[0].err
}

it('of an error of the database it keeps what kind it is, and nothing of the row', () => {
  const error = new pg.DatabaseError('duplicate key value violates unique constraint "runs_pkey"', 1, 'error')
  Object.assign(error, {
    code: '23505',
    severity: 'ERROR',
    table: 'runs',
    constraint: 'runs_pkey',
    detail: 'Key (user_id, secret)=(1, hunter2) already exists.',
    where: 'SQL statement "select hunter2"',
    internalQuery: 'select hunter2',
    client: { password: 'hunter2' },
  })
  expect(logged(error)).toEqual({
    type: 'error',
    message: 'duplicate key value violates unique constraint "runs_pkey"',
    code: '23505',
    severity: 'ERROR',
    table: 'runs',
    constraint: 'runs_pkey',
    stack: expect.any(Array),
  })
})

it('of long words their beginning, of a stack the places, of causes the same', () => {
  const error = new Error('a'.repeat(5_000), {
    cause: Object.assign(new TypeError('why'), { secret: 'hunter2' }),
  })
  const { message, stack, cause } = logged(error)
  expect(message).toHaveLength(2_000)
  expect(stack.length).toBeGreaterThan(0)
  expect(stack.join()).not.toContain('aaa')
  expect(cause).toEqual({ type: 'TypeError', message: 'why', stack: expect.any(Array) })
  expect(logged('only words')).toBe('only words')
})
