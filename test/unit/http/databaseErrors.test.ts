import { pino } from 'pino'
import { expect, it } from 'vitest'
import { refusalOfDatabase } from '../../../src/http/databaseErrors.ts'

const silent = pino({ level: 'silent' })

it.each([
  ['no locks left', { code: '53200' }],
  ['no disk left', { code: '53100' }],
  ['a lock that did not come in time', { code: '55P03' }],
  ['a transaction that took too long', { code: '25P04' }],
  ['a transaction that waited too long', { code: 'P2010', meta: { code: '25P03' } }],
  ['a database that only reads', { code: '25006' }],
  ['no locks left, as Prisma says it', { code: 'P2010', meta: { code: '53200' } }],
  [
    'no locks left, far inside',
    { code: 'P2039', meta: { driverAdapterError: { cause: { originalCode: '53200' } } } },
  ],
])('%s is no fault of the request', (_, error) => {
  expect(refusalOfDatabase(error, 'id', silent)).toMatchObject({ code: 'UNAVAILABLE' })
})
