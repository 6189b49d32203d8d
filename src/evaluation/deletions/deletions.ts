import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import { Refusal } from '../../refusal.ts'
import { setActive } from '../configurations/configurations.ts'
import {
  type DeletedKind,
  findDeletion,
  findDeletionOf,
  lockReferences,
  type StoredDeletion,
} from '../deleted/deletedStore.ts'
import { checkedScenarioKey } from '../scenarios/scenarioKey.ts'
import {
  countSimulationsOf,
  insertConfigurationDeletion,
  insertScenarioDeletion,
  insertSimulationDeletion,
  purgeSoon,
  removeDeletion,
} from './deletionStore.ts'

/**
 * Deletes a simulation with all that belongs to it, in whatever state it is. It and its outcomes are in no list and in no
 * figure from then on, and it takes nothing more. What is deleted already is answered as it is.
 *
 * @throws Refusal SIMULATION_NOT_FOUND.
 * @returns the key of the deletion.
 */
export function deleteSimulation(transaction: TenantTransaction, simulationId: string): Promise<string> {
  return remove(transaction, 'simulation', simulationId, () =>
    insertSimulationDeletion(transaction, simulationId),
  )
}

/** Deletes a configuration with its versions, diffs and simulations. @throws Refusal CONFIGURATION_NOT_FOUND. */
export function deleteConfiguration(transaction: TenantTransaction, configId: string): Promise<string> {
  return remove(transaction, 'configuration', configId, () =>
    insertConfigurationDeletion(transaction, configId),
  )
}

/**
 * Deletes a scenario that no simulation runs: the figures of one that did would be those of another suite.
 *
 * @throws Refusal INVALID_VALUE, SCENARIO_NOT_FOUND, SCENARIO_IN_USE.
 */
export async function deleteScenario(transaction: TenantTransaction, given: string): Promise<string> {
  const scenarioId = checkedScenarioKey(given, ['scenarioId'])
  return remove(transaction, 'scenario', scenarioId, async () => {
    const deletionId = await insertScenarioDeletion(transaction, scenarioId)
    const simulations = await countSimulationsOf(transaction, scenarioId)
    if (simulations > 0) {
      const ran = simulations === 1 ? 'A simulation runs it' : `${simulations} simulations run it`
      throw new Refusal(
        'SCENARIO_IN_USE',
        `${ran}: delete those first, or take the scenario out of use with isActive: false.`,
        ['scenarioId'],
      )
    }
    return deletionId
  })
}

const NOT_FOUND = {
  configuration: { code: 'CONFIGURATION_NOT_FOUND', field: 'configId' },
  scenario: { code: 'SCENARIO_NOT_FOUND', field: 'scenarioId' },
  simulation: { code: 'SIMULATION_NOT_FOUND', field: 'simulationId' },
} as const

async function remove(
  transaction: TenantTransaction,
  kind: DeletedKind,
  key: string,
  insert: () => Promise<string | null>,
): Promise<string> {
  await lockReferences(transaction, 'exclusive')
  const known = await findDeletionOf(transaction, kind, key)
  const deletionId = known?.deletionId ?? (await insert())
  if (deletionId !== null) return deletionId
  const { code, field } = NOT_FOUND[kind]
  throw new Refusal(code, `There is no ${kind} ${key}.`, [field])
}

/**
 * Takes a deletion back: what was deleted is there as it was, with the simulations that went with it and the scenarios that
 * these run.
 *
 * @throws Refusal DELETION_NOT_FOUND, DELETION_FINAL, CONFIGURATION_DELETED, NAME_TAKEN.
 */
export async function undelete(transaction: TenantTransaction, deletionId: string): Promise<StoredDeletion> {
  await lockReferences(transaction, 'exclusive')
  const deletion = await findDeletion(transaction, deletionId)
  if (!deletion) throw noDeletion(deletionId)
  if (deletion.final) {
    throw new Refusal(
      'DELETION_FINAL',
      `The ${deletion.kind} "${deletion.name}" is being deleted for good; it cannot be taken back.`,
      ['deletionId'],
    )
  }
  if (deletion.ofConfigId !== null) {
    const above = await findDeletionOf(transaction, 'configuration', deletion.ofConfigId)
    if (above) {
      throw new Refusal(
        'CONFIGURATION_DELETED',
        `Its configuration "${above.name}" is deleted: take that back first (deletion ${above.deletionId}).`,
        ['deletionId'],
      )
    }
  }
  const wasActive = await removeDeletion(transaction, deletionId)
  if (wasActive) {
    await setActive(transaction, deletion.key, true).catch((error: unknown) => {
      throw error instanceof Refusal ? new Refusal(error.code, error.message, ['deletionId']) : error
    })
  }
  return deletion
}

/**
 * Has what is deleted be deleted for good now, and not when its time comes: the job does that within a minute. For
 * administrators.
 *
 * @throws Refusal DELETION_NOT_FOUND.
 */
export async function purge(transaction: TenantTransaction, deletionId: string): Promise<void> {
  const deletion = await findDeletion(transaction, deletionId)
  if (!deletion) throw noDeletion(deletionId)
  await purgeSoon(transaction, deletion)
}

function noDeletion(deletionId: string): Refusal {
  return new Refusal('DELETION_NOT_FOUND', `There is no deletion ${deletionId}.`, ['deletionId'])
}
