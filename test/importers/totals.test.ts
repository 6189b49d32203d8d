import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'
import { eachResultFile, readJson, textsWith } from '../support/expectedTotals.ts'
import { fixture } from '../support/fixtures.ts'
import { importInto, useFolder } from '../support/importing.ts'
import { withSharedData } from '../support/sharedData.ts'

const arc = useArc()
const folder = useFolder()

async function simulationsOf(tenant: Tenant): Promise<any[]> {
  const { simulations } = await tenant.data(`{
    simulations {
      nodes {
        simulationId simulationName status succeededScenarios totalTokens totalCostUsd metadata
        configVersion { versionNumber configuration { versions { totalCount } } }
        outcomes(first: 500) { totalCount nodes { scenario { externalId } repetition executionTime } }
      }
    }
  }`)
  return simulations.nodes
}

describe.each(['tau-bench', 'tau2-bench', 'inspect', 'promptfoo', 'intercode', 'sweagent', 'minisweagent'])(
  '%s',
  (format) => {
    const title = 'adds up in the graph to what is in the file, also after a second import'
    eachResultFile(format, title, async (path, expected) => {
      const tenant = arc.tenant()
      const { exitCode, output } = await importInto(arc, tenant, [path])
      expect(exitCode).toBe(expected.rejected > 0 ? 1 : 0)
      if (expected.records === 0) expect(output).toContain('holds no samples')
      const again = await importInto(arc, tenant, [path])
      expect(again.exitCode).toBe(exitCode)
      expect(recordsIn(again.output)).toEqual({ stored: 0, known: expected.records })

      const { duration_s, cost_usd, rejected, unfinished, ...exact } = expected
      const { duration_s: duration, cost_usd: cost, ...totals } = await totalsInGraph(tenant)
      expect(totals).toEqual(exact)
      // Stored are whole milliseconds and millionths of a dollar: each record may be off by half of one.
      expect(Math.abs(duration - duration_s)).toBeLessThanOrEqual(0.0005 * (exact.records + 1))
      expect(Math.abs(cost - cost_usd)).toBeLessThanOrEqual(0.0000005 * (exact.records + 1))
      const simulations = await simulationsOf(tenant)
      const ends = unfinished ? ['RUNNING'] : ['COMPLETED', 'FAILED', 'CANCELLED']
      for (const { status } of simulations) expect(ends).toContain(status)
      const sumOf = (field: string) =>
        simulations.reduce((sum, simulation) => sum + (simulation[field] ?? 0), 0)
      expect([sumOf('succeededScenarios'), sumOf('totalTokens')]).toEqual([
        exact.status.success ?? 0,
        exact.tokens,
      ])
      expect(sumOf('totalCostUsd')).toBeCloseTo(cost, 6)
      // What is rejected of a file that holds several runs stands beside the first of them.
      const [{ metadata }] = rejected > 0 ? simulations : [{ metadata: {} }]
      expect(metadata.rejected_records ?? 0).toBe(rejected)
    })
  },
)

describe('one run in two containers', () => {
  const isStoredOnce = (stem: string, archive: string, json: string, records: number) =>
    it.each([
      ['archive', archive, json],
      ['JSON', json, archive],
    ])(`is stored once, the %s first: ${stem}`, async (_first, first, second) => {
      const tenant = arc.tenant()
      const told = recordsIn((await importInto(arc, tenant, [first])).output)
      expect(told).toEqual({ stored: records, known: 0 })
      const before = await simulationsOf(tenant)
      const renamed = await folder.write(`renamed-${stem}`, await readFile(second))
      expect(recordsIn((await importInto(arc, tenant, [renamed])).output)).toEqual({
        stored: 0,
        known: records,
      })
      expect(await simulationsOf(tenant)).toEqual(before)
      expect(before).toHaveLength(1)
    })

  isStoredOnce('inspect-small', fixture('inspect-small.eval'), fixture('inspect-small.json'), 9)

  withSharedData('with real files', (data) => {
    const stem = '2025-09-15T15-04-34-04-00_popularity_jKN69eAYYpZFAZhRgMAztp'
    const path = (name: string) => fileURLToPath(new URL(`inspect/${name}`, data))
    isStoredOnce(stem, path(`${stem}.eval`), path(`${stem}.repacked.json`), 50)
  })
})

describe('a suite that was run on three dates', () => {
  async function expectOneConfiguration(files: string[], records: number): Promise<number> {
    const tenant = arc.tenant()
    const told = recordsIn((await importInto(arc, tenant, files)).output)
    expect(told).toEqual({ stored: records, known: 0 })
    const versions = (await simulationsOf(tenant)).map(({ configVersion }) => configVersion)
    expect(
      versions.map(({ versionNumber, configuration }) => [versionNumber, configuration.versions.totalCount]),
    ).toEqual([
      [1, 1],
      [1, 1],
      [1, 1],
    ])
    const { scenarios, configurations } = await tenant.data(
      '{ scenarios { totalCount } configurations { totalCount } }',
    )
    expect(configurations.totalCount).toBe(1)
    return scenarios.totalCount
  }

  it('has one configuration and one version of it', async () => {
    const suite = readJson(fixture('promptfoo-small.json'))
    const ofOneProvider = suite.results.results.filter(({ promptIdx }: any) => promptIdx === 0)
    const files = [1, 2, 3].map((day) =>
      folder.write(`day-${day}.json`, {
        ...suite,
        evalId: `eval-${day}`,
        results: { ...suite.results, timestamp: `2026-01-0${day}T00:00:00Z`, results: ofOneProvider },
      }),
    )
    expect(await expectOneConfiguration(await Promise.all(files), 9)).toBe(3)
  })

  withSharedData('of real files', (data) => {
    it('has one configuration and one version of it', async () => {
      const files = ['43f8914c', '67d19e7e', '18300309'].map((commit) =>
        fileURLToPath(new URL(`promptfoo/mdma_${commit}_results.json`, data)),
      )
      // Ten tests on the first date, all of which were asked otherwise from the second on.
      expect(await expectOneConfiguration(files, 60)).toBe(10 + 25)
    })
  })
})

/** What an import said of the records of all runs. */
function recordsIn(output: string): { stored: number; known: number } {
  const counts = { stored: 0, known: 0 }
  for (const [, stored, known] of output.matchAll(/records +(\d+) stored, (\d+) there already/g)) {
    counts.stored += Number(stored)
    counts.known += Number(known)
  }
  return counts
}

/** What all of a tenant's outcomes add up to, read page by page. */
async function totalsInGraph(tenant: Tenant) {
  const outcomes = await allNodes(
    tenant,
    'outcomes',
    'scenarioId status reliabilityScore tokensUsed costUsd executionTimeMs trajectory',
  )
  const uses = await allNodes(tenant, 'toolUsage', 'toolName callCount')
  const graded = outcomes.filter(({ reliabilityScore }) => reliabilityScore !== null)
  const add = (values: (number | null)[]) => values.reduce<number>((total, value) => total + (value ?? 0), 0)
  const countBy = (pairs: [string, number][]) => {
    const counts: Record<string, number> = {}
    for (const [key, count] of pairs) counts[key] = (counts[key] ?? 0) + count
    return counts
  }
  return {
    records: outcomes.length,
    scored: graded.length,
    passed: graded.filter(({ status }) => status === 'SUCCESS').length,
    score_sum: Number(add(graded.map(({ reliabilityScore }) => reliabilityScore)).toFixed(6)),
    status: countBy(outcomes.map(({ status }) => [status.toLowerCase(), 1])),
    scenarios: new Set(outcomes.map(({ scenarioId }) => scenarioId)).size,
    tokens: add(outcomes.map(({ tokensUsed }) => tokensUsed)),
    cost_usd: Number(add(outcomes.map(({ costUsd }) => costUsd)).toFixed(6)),
    duration_s: add(outcomes.map(({ executionTimeMs }) => executionTimeMs)) / 1000,
    tool_calls: countBy(uses.map(({ toolName, callCount }) => [toolName, callCount])),
    nul_strings: add(outcomes.map(({ trajectory }) => textsWith('\ufffd', trajectory))),
  }
}

async function allNodes(tenant: Tenant, field: string, selection: string): Promise<any[]> {
  const nodes: any[] = []
  for (let after: string | null = null; ; ) {
    const page: any = await tenant.data(
      `query ($after: String) { page: ${field}(first: 200, after: $after) { nodes { ${selection} } pageInfo { hasNextPage endCursor } } }`,
      { after },
    )
    nodes.push(...page.page.nodes)
    if (!page.page.pageInfo.hasNextPage) return nodes
    after = page.page.pageInfo.endCursor
  }
}
