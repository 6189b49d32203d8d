import { type InputPath, Refusal } from '../../refusal.ts'
import type { StoredDeletion } from './deletedStore.ts'

/** What is said of a key that a deleted thing has. */
export function deletedRefusal(deletion: StoredDeletion, path: InputPath): Refusal {
  const codes = {
    configuration: 'CONFIGURATION_DELETED',
    scenario: 'SCENARIO_DELETED',
    simulation: 'SIMULATION_DELETED',
  } as const
  const { kind, name, deletedAt, deletionId } = deletion
  return new Refusal(
    codes[kind],
    `The ${kind} "${name}" was deleted on ${deletedAt.toISOString()}: take that back first (deletion ${deletionId}).`,
    path,
  )
}
