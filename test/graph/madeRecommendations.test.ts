import { describe, expect, it } from 'vitest'
import { EvaluatedAgent } from '../support/evaluatedAgent.ts'
import { useArc } from '../support/arc.ts'

const arc = useArc({ ARC_JOBS: 'off' })
const agent = () => new EvaluatedAgent(arc.tenant())

const calls = (toolName: string, callCount: number, failed: number) => ({
  toolName,
  callCount,
  successRate: 1 - failed / callCount,
  errorTypes: failed > 0 ? ['Error: no such order'] : [],
})

describe('what is recommended', () => {
  it('first', async () => {
    const one = agent()
    await one.version('# mine\nmodel: gpt-4.1 # the model\ntimeout: 30\nrepetitions: 2\ntools:\n  - name: search\n    retries: 3 # three\n')
    const ids = await one.scenarios(40, (n) => ({ tags: [n % 2 ? 'refund' : 'cancel'], source: 'mine' }))
    await one.run(ids.slice(0, 30), ({ scenario }) => ({
      costUsd: 0.02, executionTimeMs: 5000,
      toolUsage: [calls('search', 4, 0), calls('book', 3, 0)],
      status: scenario % 10 === 0 ? 'ERROR' : 'SUCCESS',
    }), { repetitions: 2 })
    await one.version('# mine\nmodel: gpt-4.1-mini # the model\ntimeout: 30\nrepetitions: 2\ntools:\n  - name: search\n    retries: 0 # three\n')
    await one.run(ids.slice(0, 30), ({ scenario, repetition }) => {
      const fails = scenario % 3 === 0
      const flaky = scenario % 2 === 1 && repetition === 1
      return {
      costUsd: 0.01, executionTimeMs: fails ? 30_100 : 20_000 + scenario * 200,
      toolUsage: [calls('search', 4, scenario % 2 ? 2 : 1), calls('book', 3, 0)],
      status: fails ? 'TIMEOUT' : flaky ? 'ERROR' : 'SUCCESS',
      ...(flaky && { error: 'ToolError: no such order 12' }),
    }}, { repetitions: 2 })
    const made = await one.generate()
    console.log(JSON.stringify(made, null, 1))
    const again = await one.generate()
    console.log(Object.values(again).map((r: any) => [r.rule, r.status, r.reason]))
    for (const r of Object.values(made) as any[]) {
      if (r.recommendation?.suggestedYamlChanges) {
        const a = await one.tenant.data(`mutation { applyRecommendation(input: {recommendationId: "${r.recommendation.recommendationId}"}) { recommendation { state appliedVersion { versionNumber rawYaml generatedBy } appliedDiff { unifiedDiff } } errors { code message } } }`)
        console.log(r.rule, JSON.stringify(a, null, 1))
      }
    }
  })
})
