import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import { type InputPath, Refusal } from '../../refusal.ts'
import { invalid, optionalInteger } from '../../valueChecks.ts'
import { checkedScenarioKey } from '../scenarios/scenarioKey.ts'
import { beat, type RunKey } from './heartbeatStore.ts'
import { MAX_REPETITIONS } from './simulations.ts'

/** What a runner says while it waits for outcomes. Without a scenario: of the simulation as a whole. */
export interface Heartbeat {
  simulationId: string
  scenarioId: string | null
  /** 1 when not given. */
  repetition: number | null
}

type Reason = (run: RunKey | null, simulationId: string) => { reason: string; path: InputPath }

/** What the database says of a heartbeat that it does not take, in words. */
const REASONS = {
  SIMULATION_NOT_FOUND: (_, simulationId) => ({
    reason: `There is no simulation ${simulationId}.`,
    path: ['simulationId'],
  }),
  SIMULATION_ENDED: (_, simulationId) => ({
    reason: `The simulation ${simulationId} has ended: its runs can be stopped.`,
    path: ['simulationId'],
  }),
  SCENARIO_NOT_IN_SIMULATION: (run) => ({
    reason: `The simulation does not run the scenario "${run?.scenarioId}".`,
    path: ['scenarioId'],
  }),
  REPETITION_OUT_OF_RANGE: (run) => ({
    reason: `repetition is ${run?.repetition}, which is more than the simulation has.`,
    path: ['repetition'],
  }),
} satisfies Record<string, Reason>

/**
 * Notes that a simulation goes on, and one of its runs if one is named; both are running from then on. Of a simulation that
 * failed because its runner seemed to be gone, it says that this was wrong.
 *
 * @throws Refusal SIMULATION_NOT_FOUND, SIMULATION_ENDED, SCENARIO_NOT_IN_SIMULATION, REPETITION_OUT_OF_RANGE, INVALID_VALUE.
 */
export async function heartbeat(
  transaction: TenantTransaction,
  { simulationId, scenarioId, repetition }: Heartbeat,
): Promise<void> {
  const run = runOf({ simulationId, scenarioId, repetition })
  const refused = await beat(transaction, simulationId, run)
  if (refused === null) return
  const { reason, path } = REASONS[refused as keyof typeof REASONS](run, simulationId)
  throw new Refusal(refused, reason, path)
}

function runOf({ simulationId, scenarioId, repetition }: Heartbeat): RunKey | null {
  const checked = optionalInteger(repetition, 1, MAX_REPETITIONS, ['repetition'])
  if (scenarioId !== null)
    return {
      simulationId,
      scenarioId: checkedScenarioKey(scenarioId, ['scenarioId']),
      repetition: checked ?? 1,
    }
  if (checked !== null) throw invalid(checked, 'absent without a scenarioId', ['repetition'])
  return null
}
