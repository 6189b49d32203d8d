import type { Sql } from '../db/tenantTransaction.ts'
import { Refusal } from '../refusal.ts'
import { changedPaths, unifiedDiff } from './configDiff.ts'
import { type ConfigDocument, parseConfigDocument } from './configDocument.ts'
import {
  findLatestVersion,
  insertConfiguration,
  insertDiff,
  insertVersion,
  lockConfiguration,
} from './configurationStore.ts'

export interface NewVersion {
  versionId: string
  /** False when the YAML is byte for byte that of the latest version, which is then the answer. */
  created: boolean
}

/**
 * A configuration, with its first version when there is YAML.
 *
 * @throws Refusal INVALID_VALUE, NAME_TAKEN, and what `parseConfigDocument` refuses.
 */
export async function createConfiguration(
  sql: Sql,
  input: {
    configId: string | null
    name: string
    modalAppId: string | null
    yaml: string | null
    generatedBy: string
  },
): Promise<{ configId: string; versionId: string | null }> {
  const name = input.name.trim()
  const length = [...name].length
  if (length < 3 || length > 100) {
    throw new Refusal('INVALID_VALUE', `name has ${length} characters; it has to have 3 to 100.`, ['name'])
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it looks for
  if (/[\u0000-\u001f\u007f-\u009f]/.test(name)) {
    throw new Refusal('INVALID_VALUE', 'name has a control character in it.', ['name'])
  }
  if (input.modalAppId && input.modalAppId.length > 200) {
    throw new Refusal('INVALID_VALUE', 'modalAppId is longer than 200 characters.', ['modalAppId'])
  }
  const document = input.yaml === null ? null : parseConfigDocument(input.yaml)
  const configId = await insertConfiguration(sql, {
    configId: input.configId,
    name,
    modalAppId: input.modalAppId,
  })
  if (configId === null) {
    throw new Refusal('NAME_TAKEN', `There is a configuration with the name "${name}" already.`, ['name'])
  }
  const versionId =
    document && input.yaml !== null
      ? await insertVersion(sql, configId, 1, input.yaml, document, input.generatedBy)
      : null
  return { configId, versionId }
}

/**
 * The next version of a configuration, with its diff to the one before; or that one itself when nothing changed.
 *
 * @throws Refusal CONFIGURATION_NOT_FOUND, and what `parseConfigDocument` refuses.
 */
export async function createConfigVersion(
  sql: Sql,
  input: { configId: string; yaml: string; generatedBy: string },
): Promise<NewVersion> {
  const document: ConfigDocument = parseConfigDocument(input.yaml)
  if (!(await lockConfiguration(sql, input.configId))) {
    throw new Refusal('CONFIGURATION_NOT_FOUND', `There is no configuration ${input.configId}.`, ['configId'])
  }
  const latest = await findLatestVersion(sql, input.configId)
  if (latest?.configHash === document.configHash) return { versionId: latest.versionId, created: false }
  const versionNumber = (latest?.versionNumber ?? 0) + 1
  const versionId = await insertVersion(
    sql,
    input.configId,
    versionNumber,
    input.yaml,
    document,
    input.generatedBy,
  )
  if (latest) {
    await insertDiff(sql, {
      configId: input.configId,
      versionBefore: latest.versionId,
      versionAfter: versionId,
      diffYaml: unifiedDiff(
        latest.rawYaml,
        input.yaml,
        `version ${latest.versionNumber}`,
        `version ${versionNumber}`,
      ),
      changes: changedPaths(latest.parsedConfig, document.parsedConfig),
    })
  }
  return { versionId, created: true }
}
