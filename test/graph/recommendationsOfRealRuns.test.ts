import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { useArc } from '../support/arc.ts'
import { EvaluatedAgent } from '../support/evaluatedAgent.ts'
import { importInto } from '../support/importing.ts'
import { withSharedData } from '../support/sharedData.ts'

const arc = useArc({ ARC_JOBS: 'off' })

withSharedData('recommendations of real runs', (folder) => {
  /** What an agent of a file gets, whichever server makes it. */
  async function of(...files: string[]): Promise<Record<string, any>> {
    const tenant = arc.tenant()
    const paths = files.map((file) => fileURLToPath(new URL(file, folder)))
    expect((await importInto(arc, tenant, paths, { complete: true })).exitCode).toBe(0)
    const { configurations } = await tenant.data('{ configurations { nodes { configId } } }')
    return new EvaluatedAgent(tenant).generate({ configId: configurations.nodes[0].configId })
  }

  it('tau-bench: the tool whose payments do not add up, and trials that disagree', async () => {
    const { FAILING_TOOL, FLAKY_SCENARIOS, ...others } = await of('taubench/gpt-4o-airline.tasks00-19.json')
    expect(FAILING_TOOL.recommendation).toMatchObject({
      subject: 'book_reservation',
      facts: { calls: 37, failedCalls: 23, scenarios: 6 },
    })
    expect(FAILING_TOOL.recommendation.evidence.nodes[0].summary).toContain('payment amount does not add up')
    expect(FLAKY_SCENARIOS.recommendation.facts).toMatchObject({
      scenarios: 20,
      runs: 80,
      flakyScenarios: 10,
      repetitions: 4,
    })
    expect(Object.values(others).map(({ recommendation }) => recommendation)).toEqual([
      null,
      null,
      null,
      null,
    ])
  })

  it('Inspect: a log that was not scored and one that was do not disagree', async () => {
    const { FLAKY_SCENARIOS } = await of(
      'inspect/2025-02-11T15-17-00-05-00_popularity_dPiJifoWeEQBrfWsAopzWr.eval',
      'inspect/2025-02-11T15-18-04-05-00_popularity_mj7khqpMM4GBCfVQozKgzB.eval',
    )
    expect(FLAKY_SCENARIOS).toMatchObject({ status: 'INSUFFICIENT_DATA', recommendation: null })
  })

  it('InterCode: the shell that gpt-3.5 quotes wrongly, and nothing of gpt-4', async () => {
    const { FAILING_TOOL } = await of('intercode/bash__gpt-3.5__ic_bash_multiturn_gpt-3.5_10_turns_fs_4.json')
    expect(FAILING_TOOL.recommendation).toMatchObject({
      subject: 'bash',
      facts: { calls: 175, failedCalls: 76 },
    })
    const results = await of('intercode/bash__gpt-4__ic_bash_multiturn_gpt-4_10_turns_fs_4.json')
    for (const { recommendation } of Object.values(results)) expect(recommendation).toBeNull()
  })
})
