import { databaseNow } from '../../databaseTime.ts'
import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import { Refusal } from '../../refusal.ts'
import { invalid, LENGTHS, optionalPastTime, optionalText, tagsAt, text } from '../../valueChecks.ts'
import { deletedRefusal } from '../deleted/deletedRefusal.ts'
import { findDeletionOf, lockReferences } from '../deleted/deletedStore.ts'
import { noteChanges } from '../effects/measuring.ts'
import { changedPaths, unifiedDiff } from './configDiff.ts'
import { type ConfigDocument, parseConfigDocument } from './configDocument.ts'
import {
  type DescribedColumns,
  findConfigurationOf,
  findLatestVersion,
  findVersionYaml,
  insertConfiguration,
  insertDiff,
  insertVersion,
  lockConfiguration,
  lockDiff,
  updateActive,
  updateDecision,
  updateDescription,
  updateWithdrawn,
} from './configurationStore.ts'

export interface NewVersion {
  versionId: string
  /** False when the YAML is byte for byte that of the latest version, which is then the answer. */
  created: boolean
}

/**
 * A configuration, with its first version when there is YAML.
 *
 * @throws Refusal INVALID_VALUE, TIME_IN_FUTURE, NAME_TAKEN, CONFIGURATION_DELETED, and what `parseConfigDocument` refuses.
 */
export async function createConfiguration(
  transaction: TenantTransaction,
  input: {
    configId: string | null
    name: string
    description: string | null
    tags: readonly string[]
    modalAppId: string | null
    yaml: string | null
    generatedBy: string
    /** When its source made it; now when null. */
    createdAt: Date | null
  },
): Promise<{ configId: string; versionId: string | null }> {
  const name = checkedName(input.name.trim())
  const description = optionalText(input.description, LENGTHS.prose, ['description'])
  const tags = tagsAt(input.tags, ['tags'])
  const modalAppId = optionalText(input.modalAppId, LENGTHS.label, ['modalAppId'])
  const createdAt = optionalPastTime(input.createdAt, databaseNow(), ['createdAt'])
  const document = input.yaml === null ? null : parseConfigDocument(input.yaml)
  const deletion = input.configId && (await findDeletionOf(transaction, 'configuration', input.configId))
  if (deletion) throw deletedRefusal(deletion, ['configId'])
  const configId = await insertConfiguration(transaction, {
    configId: input.configId,
    name,
    description,
    tags,
    modalAppId,
    createdAt,
  })
  if (configId === null) {
    throw new Refusal('NAME_TAKEN', `A configuration with the name "${name}" already exists.`, ['name'])
  }
  const versionId =
    document && input.yaml !== null
      ? await insertVersion(transaction, configId, 1, input.yaml, document, input.generatedBy, createdAt)
      : null
  return { configId, versionId }
}

/**
 * The next version of a configuration, with its diff to the one before; or that one itself when nothing changed.
 *
 * @throws Refusal CONFIGURATION_NOT_FOUND, CONFIGURATION_ARCHIVED, TIME_IN_FUTURE, and what `parseConfigDocument` refuses.
 */
export async function createConfigVersion(
  transaction: TenantTransaction,
  input: { configId: string; yaml: string; generatedBy: string; createdAt: Date | null },
): Promise<NewVersion> {
  const createdAt = optionalPastTime(input.createdAt, databaseNow(), ['createdAt'])
  const document: ConfigDocument = parseConfigDocument(input.yaml)
  await lockActive(transaction, input.configId)
  const latest = await findLatestVersion(transaction, input.configId)
  if (latest?.configHash === document.configHash && !latest.isDeleted) {
    return { versionId: latest.versionId, created: false }
  }
  const versionNumber = (latest?.versionNumber ?? 0) + 1
  const versionId = await insertVersion(
    transaction,
    input.configId,
    versionNumber,
    input.yaml,
    document,
    input.generatedBy,
    createdAt,
  )
  if (latest) {
    const diffId = await insertDiff(transaction, {
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
    await noteChanges(transaction, diffId, latest.parsedConfig, document.parsedConfig)
  }
  return { versionId, created: true }
}

/**
 * Goes back: a new version with the YAML of an earlier one, so that the history stays whole. The latest version itself
 * is its own answer.
 *
 * @throws Refusal CONFIGURATION_NOT_FOUND, CONFIGURATION_ARCHIVED, CONFIG_VERSION_NOT_FOUND.
 */
export async function setLatestVersion(
  transaction: TenantTransaction,
  input: { configId: string; versionId: string },
): Promise<NewVersion> {
  const { configId, versionId } = input
  await lockActive(transaction, configId)
  const yaml = await findVersionYaml(transaction, configId, versionId)
  if (yaml === null) {
    const message = `The configuration ${configId} has no version ${versionId}.`
    throw new Refusal('CONFIG_VERSION_NOT_FOUND', message, ['versionId'])
  }
  return createConfigVersion(transaction, { configId, yaml, generatedBy: 'manual', createdAt: null })
}

/**
 * Archives a configuration, or takes it out of the archive. Doing it again changes nothing.
 *
 * @throws Refusal CONFIGURATION_NOT_FOUND; NAME_TAKEN when another active one has its name by now.
 */
export async function setActive(
  transaction: TenantTransaction,
  configId: string,
  isActive: boolean,
): Promise<void> {
  await lockReferences(transaction, 'shared')
  const message = 'Another active configuration has taken the name: archive that one first.'
  const isThere = updateActive(transaction, configId, isActive)
  if (!(await orNameTaken(isThere, message, 'configId'))) throw noConfiguration(configId)
}

/** What people call a configuration and say of it; what is absent stays as it is, null takes it away. */
export interface ConfigurationDescription {
  name?: string | null
  description?: string | null
  tags?: readonly string[] | null
  modalAppId?: string | null
}

/** @throws Refusal CONFIGURATION_NOT_FOUND, INVALID_VALUE; NAME_TAKEN when another active one has the name. */
export async function describeConfiguration(
  transaction: TenantTransaction,
  configId: string,
  { name, description, tags, modalAppId }: ConfigurationDescription,
): Promise<void> {
  const set: Partial<DescribedColumns> = {}
  if (name != null) set.name = checkedName(name.trim())
  if (description !== undefined) set.description = optionalText(description, LENGTHS.prose, ['description'])
  if (tags !== undefined) set.tags = tagsAt(tags ?? [], ['tags'])
  if (modalAppId !== undefined) set.modal_app_id = optionalText(modalAppId, LENGTHS.label, ['modalAppId'])
  await lockReferences(transaction, 'shared')
  const isThere = updateDescription(transaction, configId, set)
  const message = `A configuration with the name "${set.name}" already exists.`
  if (!(await orNameTaken(isThere, message, 'name'))) throw noConfiguration(configId)
}

/**
 * Withdraws a version, so that nothing new runs it: what ran it stays. Or takes that back. Doing it again changes nothing.
 *
 * @throws Refusal CONFIG_VERSION_NOT_FOUND.
 */
export async function setWithdrawn(
  transaction: TenantTransaction,
  versionId: string,
  withdrawn: boolean,
): Promise<void> {
  const configId = await findConfigurationOf(transaction, versionId)
  if (configId !== null) await lockConfiguration(transaction, configId)
  if (configId === null || !(await updateWithdrawn(transaction, configId, versionId, withdrawn))) {
    const message = `There is no configuration version ${versionId}.`
    throw new Refusal('CONFIG_VERSION_NOT_FOUND', message, ['versionId'])
  }
}

async function orNameTaken(work: Promise<boolean>, message: string, field: string): Promise<boolean> {
  try {
    return await work
  } catch (error) {
    if ((error as { code?: unknown }).code !== '23505') throw error
    throw new Refusal('NAME_TAKEN', message, [field])
  }
}

/**
 * Approves or rejects a diff, by whoever asks, now, for this reason if one is given. The same decision again changes nothing; another one,
 * or another reason, has to wait until the first is taken back.
 *
 * @throws Refusal CONFIG_DIFF_NOT_FOUND, CONFIG_DIFF_DECIDED, INVALID_VALUE.
 */
export async function decideDiff(
  transaction: TenantTransaction,
  diffId: string,
  decision: 'approved' | 'rejected',
  given?: string | null,
): Promise<void> {
  const comment = checkedComment(given)
  const before = await lockDiff(transaction, diffId)
  if (!before) throw noDiff(diffId)
  if (before.status === decision && (comment === null || comment === before.comment)) return
  if (before.status !== 'pending') {
    const also = before.status === decision ? ', with another comment' : ''
    throw new Refusal(
      'CONFIG_DIFF_DECIDED',
      `The diff ${diffId} was already ${before.status}${also}: take that back first (withdrawConfigDiffDecision).`,
      ['diffId'],
    )
  }
  await updateDecision(transaction, diffId, { status: decision, comment })
}

/**
 * Takes back the decision on a diff, whoever made it; the audit log keeps it. One that is not decided stays as it is.
 *
 * @throws Refusal CONFIG_DIFF_NOT_FOUND, INVALID_VALUE.
 */
export async function withdrawDecision(
  transaction: TenantTransaction,
  diffId: string,
  given?: string | null,
): Promise<void> {
  const comment = checkedComment(given)
  const before = await lockDiff(transaction, diffId)
  if (!before) throw noDiff(diffId)
  if (before.status !== 'pending') await updateDecision(transaction, diffId, { status: 'pending', comment })
}

function checkedComment(given: string | null | undefined): string | null {
  return given == null ? null : text(given.trim(), LENGTHS.prose, ['comment'])
}

function noDiff(diffId: string): Refusal {
  return new Refusal('CONFIG_DIFF_NOT_FOUND', `There is no diff ${diffId}.`, ['diffId'])
}

/** Locks a configuration that takes new versions. @throws Refusal CONFIGURATION_NOT_FOUND, CONFIGURATION_ARCHIVED. */
export async function lockActive(transaction: TenantTransaction, configId: string): Promise<void> {
  const state = await lockConfiguration(transaction, configId)
  if (state === null) throw noConfiguration(configId)
  if (state === 'active') return
  throw new Refusal(
    'CONFIGURATION_ARCHIVED',
    `The configuration ${configId} is archived: restore it first.`,
    ['configId'],
  )
}

function noConfiguration(configId: string): Refusal {
  return new Refusal('CONFIGURATION_NOT_FOUND', `There is no configuration ${configId}.`, ['configId'])
}

function checkedName(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it looks for
  if (/[\u0000-\u001f\u007f-\u009f]/.test(name)) throw invalid(name, 'without control characters', ['name'])
  return text(name, LENGTHS.configurationName, ['name'])
}
