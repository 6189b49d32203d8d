import type { Sql } from 'sql-template-tag'
import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import type { ScenarioPair } from '../../statistics/scenarioPairs.ts'
import {
  type RunValues,
  readPairedValues,
  type ScenarioSide,
  type ScenarioValues,
} from '../comparison/pairedValues.ts'

/** A completed simulation whose outcomes are looked at. */
export interface ScopeSimulation {
  simulationId: string
  name: string | null
  timeoutMs: number
  repetitions: number
}

/** A version with its completed simulations, newest first: up to 20, of 20,000 runs together. */
export interface ScopeVersion {
  versionId: string
  versionNumber: number
  rawYaml: string
  simulations: readonly ScopeSimulation[]
}

/** What rules look at: one version of a configuration, beside its other versions. */
export interface ScopeRows {
  configId: string
  /** Whether it is the configuration's latest version. */
  isLatest: boolean
  version: ScopeVersion
  /** Up to 6 that have completed simulations and are not withdrawn, newest first. */
  others: readonly ScopeVersion[]
}

/** The runs of one scenario under one version, all of the newest revision of the scenario that it has. */
export type ScenarioRuns = ScenarioSide

export class Scope implements ScopeRows {
  readonly configId: string
  readonly isLatest: boolean
  readonly version: ScopeVersion
  readonly others: readonly ScopeVersion[]
  #runs: Promise<Map<string, Map<string, ScenarioRuns>>> | undefined

  constructor({ configId, isLatest, version, others }: ScopeRows) {
    this.configId = configId
    this.isLatest = isLatest
    this.version = version
    this.others = others
  }

  /** The runs of each version by its key, by scenario; read once, all by one statement. */
  runs(transaction: Pick<TenantTransaction, 'query'>): Promise<Map<string, Map<string, ScenarioRuns>>> {
    this.#runs ??= readRuns(transaction, [this.version, ...this.others])
    return this.#runs
  }
}

/** Runs of each version by scenario. Of a scenario that has grades the success of runs without one is unknown. */
export async function readRuns(
  transaction: Pick<TenantTransaction, 'query'>,
  versions: readonly Pick<ScopeVersion, 'versionId' | 'simulations'>[],
): Promise<Map<string, Map<string, ScenarioRuns>>> {
  const ids = versions.flatMap(({ simulations }) => simulations.map(({ simulationId }) => simulationId))
  const values = await readPairedValues(
    { query: async <Row>(statement: Sql) => (await transaction.query<object>(statement)) as Row[] },
    ids.map((id) => [id, id]),
  )
  const bySimulation = new Map<string, readonly ScenarioValues[]>(
    values.map(({ baselineId, scenarios }) => [baselineId, scenarios]),
  )
  const pools: Map<string, Map<string, ScenarioRuns>> = new Map(
    versions.map(({ versionId, simulations }) => {
      const pooled = new Map<string, { revision: number | null; runs: RunValues[] }>()
      for (const { simulationId } of simulations)
        for (const { scenarioId, baseline } of bySimulation.get(simulationId) ?? []) {
          const { revision, runs } = baseline!
          const known = pooled.get(scenarioId)
          if (!known || (revision ?? 0) > (known.revision ?? 0))
            pooled.set(scenarioId, { revision, runs: [...runs] })
          else if (revision === known.revision) known.runs.push(...runs)
        }
      return [versionId, pooled] as const
    }),
  )
  forgetUngradedSuccess([...pools.values()])
  return pools
}

/**
 * Of scenarios that are graded elsewhere: a run that nobody graded ended well, which is not yet to pass. Beside a grade of the same scenario it would make that look
 * flaky, or a version better than one whose answers were looked at.
 */
function forgetUngradedSuccess(pools: readonly Map<string, ScenarioRuns>[]): void {
  const graded = new Set(
    pools.flatMap((pool) =>
      [...pool]
        .filter(([, { runs }]) => runs.some(({ score }) => score !== null))
        .map(([scenarioId]) => scenarioId),
    ),
  )
  for (const pool of pools)
    for (const [scenarioId, { revision, runs }] of pool)
      if (graded.has(scenarioId))
        pool.set(scenarioId, {
          revision,
          runs: runs.map((run) => (run.success && run.score === null ? { ...run, success: null } : run)),
        })
}

/** The scenarios that both have, and have in the same revision, with one value of each run. */
export function pairsOf(
  baseline: ReadonlyMap<string, ScenarioRuns>,
  candidate: ReadonlyMap<string, ScenarioRuns>,
  value: (run: RunValues) => number | null,
): ScenarioPair[] {
  return [...baseline].flatMap(([scenarioId, ours]) => {
    const theirs = candidate.get(scenarioId)
    return theirs && theirs.revision === ours.revision
      ? [{ baseline: ours.runs.map(value), candidate: theirs.runs.map(value) }]
      : []
  })
}
