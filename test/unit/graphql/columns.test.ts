import { expect, it } from 'vitest'
import type { Outcome as OutcomeRow } from '../../../src/db/generated/client.ts'
import { Columns } from '../../../src/graphql/lists/columns.ts'
import { OutcomeStatusEnum } from '../../../src/graphql/outcome.ts'

it('a wrong declaration of a column does not compile', () => {
  const lines: ConstructorParameters<typeof Columns<OutcomeRow>>[0][] = [
    // @ts-expect-error the row has no such column
    { outcome: { kind: 'uuid' } },
    // @ts-expect-error it is no number
    { outcomeId: { kind: 'integer' } },
    // @ts-expect-error it is of fewer digits than JavaScript has
    { eventSeq: { kind: 'integer' } },
    // @ts-expect-error it may be missing
    { costUsd: { kind: 'decimal' } },
    // @ts-expect-error it is never missing
    { outcomeId: { kind: 'uuid', nullable: true } },
    // @ts-expect-error there is an enum to name
    { status: { kind: 'enum' } },
    // @ts-expect-error it has no order
    { metrics: { kind: 'json', order: 'Its metrics.' } },
    // @ts-expect-error it is a UUIDv7 of no time
    { executionTime: { kind: 'time', inKey: 'id' } },
  ]
  expect(lines).toHaveLength(8)
})

it('one line is a column, the field of an object, a filter and an order', () => {
  const columns = new Columns<OutcomeRow>({
    outcomeId: { kind: 'uuid', order: { name: 'AGE', description: 'Its age.' } },
    status: { kind: 'enum', enum: OutcomeStatusEnum, filter: 'By status.' },
    costUsd: { kind: 'decimal', nullable: true, name: 'cost', filter: 'By cost.', order: 'Its cost.' },
    executionTimeMs: { kind: 'integer', nullable: true, order: 'Its time.' },
  })
  expect(columns.column('costUsd')).toEqual({ field: 'costUsd', kind: 'decimal', nullable: true })
  expect(Object.keys(columns.filters)).toEqual(['status', 'cost'])
  expect(columns.orders).toEqual({
    AGE: { field: 'outcomeId', kind: 'uuid', description: 'Its age.' },
    COST: { field: 'costUsd', kind: 'decimal', nullable: true, description: 'Its cost.' },
    EXECUTION_TIME_MS: {
      field: 'executionTimeMs',
      kind: 'integer',
      nullable: true,
      description: 'Its time.',
    },
  })
  expect(columns.orderBy('costUsd', 'desc')).toEqual({ field: 'COST', direction: 'desc' })
  expect(() => columns.sorted('status')).toThrow('rows have no order by status')
})
