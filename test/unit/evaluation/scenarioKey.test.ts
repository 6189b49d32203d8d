import fc from 'fast-check'
import { expect, it } from 'vitest'
import { scenarioKey } from '../../../src/evaluation/scenarios/scenarioKey.ts'

it('leaves an id that fits as it is', () => {
  expect(scenarioKey('weather_query_1')).toBe('weather_query_1')
  expect(scenarioKey('a'.repeat(100))).toBe('a'.repeat(100))
})

it('makes a readable key of any other id and adds a hash of the original', () => {
  expect(scenarioKey('django__django-11099')).toMatch(/^django_django_11099_[0-9a-f]{8}$/)
  expect(scenarioKey('[mobile_data_issue]bad_network|airplane[PERSONA:None]')).toMatch(
    /^mobile_data_issue_bad_network_airplane_persona_none_[0-9a-f]{8}$/,
  )
  expect(scenarioKey('天気')).toMatch(/^scenario_[0-9a-f]{8}$/)
  for (const long of ['X'.repeat(300), `-${'x'.repeat(300)}`]) {
    expect(scenarioKey(long)).toMatch(/^x{91}_[0-9a-f]{8}$/)
  }
})

it('never lets two ids meet, and gives one id one key', () => {
  const spellings = ['Task-1', 'task-1', 'task.1', 'task 1', 'TASK_1', 'task_1', '_task_1', 'task_1\n']
  expect(new Set(spellings.map(scenarioKey)).size).toBe(spellings.length)
  expect(scenarioKey('Task-1')).toBe(scenarioKey('Task-1'))
})

it('always fits the column', () => {
  fc.assert(fc.property(fc.string({ maxLength: 300 }), (id) => /^[a-z0-9_]{1,100}$/.test(scenarioKey(id))))
})
