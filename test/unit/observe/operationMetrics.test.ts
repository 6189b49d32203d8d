import { expect, it } from 'vitest'
import { OperationMetrics } from '../../../src/observe/operationMetrics.ts'

it('10,000 tenants are counted: the one that asked longest ago makes room', () => {
  const metrics = new OperationMetrics()
  metrics.count('first', 1, false)
  metrics.count('second', 1, false)
  for (let index = 2; index < 10_000; index++) metrics.count(`tenant ${index}`, 1, false)
  metrics.count('first', 2, true)
  // Only asking counts, not being looked at.
  expect(metrics.of('second').operations).toBe(1)
  metrics.count('one more', 1, false)
  expect(metrics.of('first')).toMatchObject({ operations: 2, failed: 1, durationMs: 3 })
  expect(metrics.of('second')).toMatchObject({ operations: 0, failed: 0, durationMs: 0 })
})

it('what resolvers answered is counted by why, for each tenant', () => {
  const metrics = new OperationMetrics()
  metrics.countRoads('one', 2, ['ConfigDiff.hunks'])
  metrics.countRoads('one', 1, ['ConfigDiff.hunks', 'DATABASE'])
  metrics.countRoads('other', 1, [])
  const { compiledFields, resolvedFields } = metrics.of('one')
  expect({ compiledFields, resolved: Object.fromEntries(resolvedFields) }).toEqual({
    compiledFields: 3,
    resolved: { 'ConfigDiff.hunks': 2, DATABASE: 1 },
  })
  expect(metrics.of('other').resolvedFields.size).toBe(0)
})
