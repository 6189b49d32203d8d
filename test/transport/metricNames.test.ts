import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { ERROR_CODES } from '../../src/refusal.ts'
import { useArc } from '../support/arc.ts'

const arc = useArc({ ARC_METRICS_PORT: '0' })

it('every figure that alerts and the dashboard use is one that the server gives', async () => {
  const given = new Map(
    [...(await (await fetch(arc.metricsUrl)).text()).matchAll(/^# TYPE (\S+) (\w+)$/gm)].map(
      ([, name, kind]) => [name!, kind!],
    ),
  )
  const files = ['prometheus/alerts.yml', 'prometheus/alerts.test.yml', 'grafana/dashboards/arc.json'].map(
    (file) => readFileSync(`deploy/${file}`, 'utf8'),
  )
  const used = new Set(files.flatMap((text) => text.match(/\b(arc|nodejs|process)_[a-z0-9_]+/g) ?? []))
  expect(used.size).toBeGreaterThan(20)
  for (const name of used) {
    const [, histogram] = /^(.+)_(bucket|sum|count)$/.exec(name) ?? []
    expect([name, given.has(name) || given.get(histogram ?? '') === 'histogram']).toEqual([name, true])
  }
  const codes = files.flatMap((text) => text.match(/code(=~|=)\\?"([A-Z_|]+)\\?"/g) ?? [])
  expect(codes).not.toEqual([])
  for (const code of codes.flatMap((match) => match.match(/[A-Z_]{2,}/g) ?? []))
    expect(['OK', ...Object.keys(ERROR_CODES)]).toContain(code)
})
