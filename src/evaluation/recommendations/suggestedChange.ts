import { Refusal } from '../../refusal.ts'
import { type ChangeSummary, unifiedDiff } from '../configurations/configDiff.ts'
import { readConfigTree } from '../configurations/configDocument.ts'
import { ChangeDoesNotFit, changedTree, changedYaml } from '../configurations/yamlEdit.ts'

/** As both sides of the diff are called, for `git apply` and `patch -p1`. */
const FILE = 'config.yaml'

/** The diff that leads from a version's YAML to the YAML with the changes; null where they cannot be made in the text: see changedYaml. */
export function suggestedDiff(rawYaml: string, changes: ChangeSummary): string | null {
  const yaml = changedYaml(rawYaml, changes)
  return yaml === null ? null : diffTo(rawYaml, yaml)
}

export function diffTo(rawYaml: string, yaml: string): string {
  return unifiedDiff(rawYaml, yaml, `a/${FILE}`, `b/${FILE}`)
}

/**
 * The YAML of a version with the changes, be it the one that they were made for or a later one that still has what they change.
 * @throws Refusal RECOMMENDATION_STALE
 */
export function withSuggestedChanges(
  rawYaml: string,
  changes: ChangeSummary,
  recommendationId: string,
): string {
  const stale = (why: string) =>
    new Refusal('RECOMMENDATION_STALE', `The recommendation ${recommendationId} cannot be applied: ${why}`, [
      'recommendationId',
    ])
  try {
    changedTree(readConfigTree(rawYaml), changes)
  } catch (error) {
    if (!(error instanceof ChangeDoesNotFit)) throw error
    throw stale(`in the latest version ${error.path || 'the configuration'} is not what it was made for.`)
  }
  const yaml = changedYaml(rawYaml, changes)
  if (yaml === null)
    throw stale('the YAML of the latest version is laid out so that the change cannot be made in it.')
  return yaml
}
