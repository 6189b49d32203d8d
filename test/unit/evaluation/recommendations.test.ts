import { describe, expect, it } from 'vitest'
import { confidenceOf } from '../../../src/evaluation/recommendations/confidence.ts'
import { sameAs } from '../../../src/evaluation/recommendations/generation.ts'
import { modelSwap } from '../../../src/evaluation/recommendations/rules/cheaperModel.ts'
import { restoredTool } from '../../../src/evaluation/recommendations/rules/failingTools.ts'
import { settingOf } from '../../../src/evaluation/recommendations/rules/timeoutLimits.ts'

describe('evidence is the same', () => {
  const change = (after: number) => [{ path: '/timeout', op: 'replace' as const, before: 30, after }]
  const known = {
    recommendationId: 'x',
    state: 'open' as const,
    basis: {
      figure: { n: 100, estimate: 0.2, lower: 0.1, upper: 0.3 },
      suggests: [['/timeout', 'replace', 60]] as [string, string, number][],
    },
  }
  const found = { n: 100, estimate: 0.2, lower: 0.1, upper: 0.3 }
  it.each([
    ['as it was', found, change(60), true],
    ['of nearly twice as much', { ...found, n: 199 }, change(60), true],
    ['of twice as much', { ...found, n: 200 }, change(60), false],
    ['of a figure within the interval', { ...found, estimate: 0.3 }, change(60), true],
    ['of a figure above', { ...found, estimate: 0.31 }, change(60), false],
    ['of a figure below', { ...found, estimate: 0.09 }, change(60), false],
    ['with a number that is little larger', found, change(70), true],
    ['with a number that is much larger', found, change(80), false],
    ['with another path', found, [{ ...change(60)[0]!, path: '/other' }], false],
    ['with another operation', found, [{ path: '/timeout', op: 'add' as const, after: 60 }], false],
    ['without a change', found, undefined, false],
  ] as const)('%s: %s', (_, basis, changes, same) => {
    expect(sameAs({ basis, ...(changes && { changes: [...changes] }) }, known)).toBe(same)
    expect(sameAs({ basis, ...(changes && { changes: [...changes] }) }, undefined)).toBe(false)
  })

  it('by the version to go back to', () => {
    const back = { ...known, basis: { ...known.basis, suggests: 'one' } }
    expect(sameAs({ basis: found, restores: 'one' }, back)).toBe(true)
    expect(sameAs({ basis: found, restores: 'two' }, back)).toBe(false)
  })
})

it('confidence is the largest with which the claim still holds', () => {
  expect(confidenceOf((level) => level < 0.9)).toBe(0.95)
  expect(confidenceOf(() => true)).toBe(0.999)
  expect(confidenceOf(() => false)).toBe(0.5)
})

describe('the setting that is the limit', () => {
  it.each([
    [{ timeout: 30 }, 30_200, { path: '/timeout', value: 30, unitMs: 1_000 }],
    [{ agent: { timeout_ms: 30_000 } }, 30_200, { path: '/agent/timeout_ms', value: 30_000, unitMs: 1 }],
    [{ max_time: 2 }, 120_400, { path: '/max_time', value: 2, unitMs: 60_000 }],
    [
      { env: [{ execution_timeout: 30_000 }] },
      30_000,
      { path: '/env/0/execution_timeout', value: 30_000, unitMs: 1 },
    ],
    [{ timeout_ms: 30 }, 30_000, undefined],
    [{ timeout: 60 }, 30_000, undefined],
    [{ retries: 30 }, 30_000, undefined],
    [{ timeout: 30, tool: { timeout: 30 } }, 30_000, undefined],
  ])('%o at %d ms', (tree, ms, setting) => {
    expect(settingOf(tree, ms)).toEqual(setting)
  })
})

it('a model is swapped where nothing else is', () => {
  const yaml = 'agent:\n  model:\n    name: big\n    limit: 1\n'
  expect(modelSwap(yaml, yaml.replace('big', 'small'))).toEqual({
    model: 'big',
    otherModel: 'small',
    changes: [{ path: '/agent/model/name', op: 'replace', before: 'big', after: 'small' }],
  })
  expect(modelSwap(yaml, yaml.replace('big', 'small').replace('1', '2'))).toBeUndefined()
  expect(modelSwap(yaml, yaml)).toBeUndefined()
})

it('a tool is defined in a list by its name, or below tools, once', () => {
  const [yaml, then] = [
    'model: m\ntools:\n  - name: a\n    x: 1\n',
    'model: m\ntools:\n  - name: b\n  - name: a\n    x: 2\n',
  ]
  expect(restoredTool(yaml, then, 'a')).toEqual([{ path: '/tools/0/x', op: 'replace', before: 1, after: 2 }])
  expect(restoredTool(yaml, then, 'b')).toBeUndefined()
  expect(restoredTool(yaml, yaml, 'a')).toBeUndefined()
  const twice = `${then}others:\n  - id: a\n`
  expect([restoredTool(yaml, twice, 'a'), restoredTool(twice, yaml, 'a')]).toEqual([undefined, undefined])
  const elsewhere = 'model: m\nagents:\n  a:\n    x: 1\n'
  expect(restoredTool(elsewhere, then, 'a')).toBeUndefined()
  expect(restoredTool('model: m\ntools:\n  a:\n    x: 1\n', then, 'a')).toEqual([
    { path: '/tools/a/name', op: 'add', after: 'a' },
    { path: '/tools/a/x', op: 'replace', before: 1, after: 2 },
  ])
})
