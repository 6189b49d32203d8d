import type { ConfigDiff as ConfigDiffRow } from '../db/generated/client.ts'
import { comparedVersions, comparedVersionsSource } from '../evaluation/configurations/comparedVersions.ts'
import {
  type ChangeSummary,
  type ConfigChange,
  type ConfigComparison,
  type DiffHunk,
  type DiffRow,
  sideBySide,
} from '../evaluation/configurations/configDiff.ts'
import { decideDiff, withdrawDecision } from '../evaluation/configurations/configurations.ts'
import { parseExactly } from '../exactNumbers.ts'
import { computedFrom, jsonText, relatedRow } from '../reads/answers/pages.ts'
import type { ComputedPart, Source } from '../reads/answers/parts.ts'
import { readSource } from '../reads/sources.ts'
import { LENGTHS } from '../valueChecks.ts'
import { builder } from './builder/builder.ts'
import { computation } from './builder/computation.ts'
import type { Context } from './builder/context.ts'
import type { PlannedField, ReadInStatement } from './builder/fieldRead.ts'
import { comparisonsOf } from './comparisons.ts'
import { Configuration } from './configuration.ts'
import { ConfigVersion } from './configVersion.ts'
import { Columns } from './lists/columns.ts'
import { shownRelation } from './lists/relatedRow.ts'
import { defineStoredList } from './lists/storedList.ts'
import { payloadOfStep, payloadType } from './payload.ts'

export const ChangeOp = builder.enumType('ConfigChangeOp', {
  description: 'How a value changed.',
  values: {
    ADD: { value: 'add', description: 'It was added.' },
    REMOVE: { value: 'remove', description: 'It was removed.' },
    REPLACE: { value: 'replace', description: 'Its value changed.' },
  } as const,
})

export const ConfigChangeType = builder.objectRef<ConfigChange>('ConfigChange').implement({
  description: 'One difference between two configuration trees.',
  fields: (t) => ({
    path: t.exposeString('path', {
      description: 'The path: a JSON Pointer (RFC 6901), e.g. `/tools/0/name`.',
    }),
    op: t.field({ type: ChangeOp, description: 'What happened.', resolve: ({ op }) => op }),
    before: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The old value; null for an addition.',
      resolve: ({ before }) => before,
    }),
    after: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The new value; null for a removal.',
      resolve: ({ after }) => after,
    }),
  }),
})

const RowKind = builder.enumType('DiffRowKind', {
  description: 'How the two sides of a row relate.',
  values: {
    SAME: { value: 'same', description: 'The same line.' },
    CHANGED: { value: 'changed', description: 'A line that replaces another.' },
    ADDED: { value: 'added', description: 'A line that only the later text has.' },
    REMOVED: { value: 'removed', description: 'A line that only the earlier text has.' },
  } as const,
})

const Line = builder.objectRef<NonNullable<DiffRow['before']>>('DiffLine').implement({
  description: 'A line of one text.',
  fields: (t) => ({
    line: t.exposeInt('line', { description: 'Its number, from 1.' }),
    text: t.exposeString('text', { description: 'Its text, without the newline.' }),
  }),
})

const Row = builder.objectRef<DiffRow>('DiffRow').implement({
  description: 'One row of two texts side by side.',
  fields: (t) => ({
    kind: t.field({
      type: RowKind,
      description: 'How the two sides relate.',
      resolve: ({ kind }) => kind,
    }),
    before: t.field({
      type: Line,
      nullable: true,
      description: 'The line of the earlier text; null where it has none.',
      resolve: ({ before }) => before,
    }),
    after: t.field({
      type: Line,
      nullable: true,
      description: 'The line of the later text; null where it has none.',
      resolve: ({ after }) => after,
    }),
  }),
})

const Hunk = builder.objectRef<DiffHunk>('DiffHunk').implement({
  description: 'Neighbouring differences with three lines of context, side by side.',
  fields: (t) => ({
    beforeStart: t.exposeInt('beforeStart', { description: 'Its first line in the earlier text.' }),
    beforeLines: t.exposeInt('beforeLines', { description: 'How many lines of the earlier text it has.' }),
    afterStart: t.exposeInt('afterStart', { description: 'Its first line in the later text.' }),
    afterLines: t.exposeInt('afterLines', { description: 'How many lines of the later text it has.' }),
    rows: t.field({ type: [Row], description: 'Its lines, in order.', resolve: ({ rows }) => rows }),
  }),
})

const DESCRIPTIONS = {
  unifiedDiff: 'The difference as text, for `patch` and `git apply`; empty for equal YAML.',
  hunks: 'The difference side by side.',
  changes: 'The differences between the parsed trees, in the order to apply them (RFC 6902).',
} as const

function shownHunks(context: Context, work: () => DiffHunk[]): Promise<DiffHunk[]> {
  return comparisonsOf(context).list(work, (hunks) =>
    hunks.reduce((rows, hunk) => rows + hunk.rows.length, 0),
  )
}

function shownChanges(context: Context, work: () => ChangeSummary): Promise<ChangeSummary> {
  return comparisonsOf(context).list(work)
}

/** A field of a row that is computed of what its column holds, or of null. */
function computedOf<Name extends string, Stored, Value>(
  column: Name,
  of: (stored: Stored | null, context: Context) => Promise<Value>,
) {
  return {
    extensions: {
      read: ({ writer }) => ({
        is: 'computed',
        of: computation((stored, _, context) =>
          Promise.all(stored.map((json) => of(json === '' ? null : (parseExactly(json) as Stored), context))),
        ),
        place: (row) => jsonText(row, column),
        isLong: true,
        json: writer(),
      }),
    } satisfies ReadInStatement,
    resolve: (row: { [Key in Name]: unknown }, _: unknown, context: Context): Promise<Value> =>
      of(row[column] as Stored | null, context),
  }
}

/** The changes that a column of the row holds; none where it is null. */
export const storedChanges = <Name extends string>(column: Name) =>
  computedOf<Name, ChangeSummary, ChangeSummary>(column, (changes, context) =>
    shownChanges(context, () => changes ?? []),
  )

const ApprovalStatus = builder.enumType('ApprovalStatus', {
  description: 'The decision on a diff.',
  values: {
    PENDING: { value: 'pending', description: 'Not decided yet.' },
    APPROVED: { value: 'approved', description: 'It was approved.' },
    REJECTED: { value: 'rejected', description: 'It was rejected.' },
  } as const,
})

const configDiffColumns = new Columns<ConfigDiffRow>({
  diffId: { kind: 'uuid', description: 'Its key.', filter: 'By key.' },
  configId: { kind: 'uuid', description: 'The configuration’s key.', filter: 'By the configuration’s key.' },
  versionBefore: {
    kind: 'uuid',
    description: 'The key of the version before.',
    filter: 'By the key of the version before.',
  },
  versionAfter: {
    kind: 'uuid',
    description: 'The key of the version after.',
    filter: 'By the key of the version after.',
  },
  diffYaml: { kind: 'text', name: 'unifiedDiff', description: DESCRIPTIONS.unifiedDiff },
  approvalStatus: {
    kind: 'enum',
    enum: ApprovalStatus,
    description: 'The decision on it.',
    filter: 'By decision.',
  },
  approvedBy: { kind: 'text', nullable: true, description: 'Who approved it; null unless it is approved.' },
  approvedAt: { kind: 'time', nullable: true, description: 'When it was approved; null unless it is.' },
  rejectedBy: { kind: 'text', nullable: true, description: 'Who rejected it; null unless it is rejected.' },
  rejectedAt: { kind: 'time', nullable: true, description: 'When it was rejected; null unless it is.' },
  decisionComment: {
    kind: 'text',
    maxLength: LENGTHS.prose.max,
    nullable: true,
    description: 'Why it was decided so, or why that was taken back; null when nobody said.',
  },
  createdAt: {
    kind: 'time',
    description: 'When it was created.',
    filter: 'By creation time.',
    order: 'When it was created.',
  },
})

export const ConfigDiff = builder.prismaNode('ConfigDiff', {
  id: { field: 'diffId' },
  nullable: true,
  description: 'What a version of a configuration changed, stored for review.',
  select: { diffId: true },
  fields: (t) => ({
    ...configDiffColumns.fields(t),
    hunks: t.field({
      type: [Hunk],
      select: { diffYaml: true },
      description: DESCRIPTIONS.hunks,
      ...computedOf<'diffYaml', string, DiffHunk[]>('diffYaml', (diffYaml, context) =>
        shownHunks(context, () => sideBySide(diffYaml ?? '')),
      ),
    }),
    changes: t.field({
      type: [ConfigChangeType],
      select: { changeSummary: true },
      description: DESCRIPTIONS.changes,
      ...storedChanges('changeSummary'),
    }),
    configuration: t.field(
      shownRelation('ConfigDiff', 'configuration', Configuration, 'The configuration that changed.'),
    ),
    before: t.field(shownRelation('ConfigDiff', 'before', ConfigVersion, 'The version before.')),
    after: t.field(shownRelation('ConfigDiff', 'after', ConfigVersion, 'The version with the change.')),
  }),
})

const configDiffPages = defineStoredList('ConfigDiff', {
  model: 'ConfigDiff',
  type: ConfigDiff,
  columns: configDiffColumns,
  keys: ['diffId'],
  defaultOrder: ['createdAt', 'desc'],
  filter: 'Filters diffs; all conditions must match.',
})

builder.prismaObjectField(Configuration, 'diffs', (t) =>
  t.field(
    configDiffPages.under(
      { key: 'configId', field: 'configId', type: 'uuid' },
      'What its successive versions changed, newest first.',
    ),
  ),
)

builder.prismaObjectFields(ConfigVersion, (t) => ({
  diffs: t.field(
    configDiffPages.under(
      { key: 'versionId', field: 'versionAfter', type: 'uuid' },
      'What it changed: its diff to the previous version.',
    ),
  ),
  laterDiffs: t.field(
    configDiffPages.under(
      { key: 'versionId', field: 'versionBefore', type: 'uuid' },
      'What changed after it: the diff to the next version.',
    ),
  ),
}))

interface ShownComparison {
  comparison: ConfigComparison
}

const versionIn = (side: 'before' | 'after', description: string) =>
  ({
    type: ConfigVersion,
    description,
    extensions: {
      read: ({ members }) => relatedRow('config_versions', [[`${side}Id`, 'versionId']], members(), false),
    } satisfies ReadInStatement,
  }) as const

/** A field that is computed of both versions. `told`: what reads them. */
function compared<Value>(of: (comparison: ConfigComparison, context: Context) => Promise<Value>) {
  return {
    extensions: {
      read: ({ told, writer }: PlannedField<unknown, Source>): ComputedPart => ({
        is: 'computed',
        of: computation(
          (pairs, read, context) =>
            Promise.all(
              pairs.map(async (pair) =>
                of((await comparisonsOf(context).of(pair, async () => read))!, context),
              ),
            ),
          told,
        ),
        place: (row) => row.column('parent'),
        json: writer(),
      }),
    },
    resolve: ({ comparison }: ShownComparison, _: unknown, context: Context): Promise<Value> =>
      of(comparison, context),
  }
}

const Comparison = builder.objectRef<ShownComparison>('ConfigComparison').implement({
  description: 'Two versions, of one configuration or two, compared on request.',
  fields: (t) => ({
    before: t.prismaField({
      ...versionIn('before', 'The version that is compared.'),
      resolve: (query, { comparison: { before } }, _, { reads }) =>
        reads.client.configVersion.findUniqueOrThrow({ ...query, where: { versionId: before.versionId } }),
    }),
    after: t.prismaField({
      ...versionIn('after', 'The version that it is compared with.'),
      resolve: (query, { comparison: { after } }, _, { reads }) =>
        reads.client.configVersion.findUniqueOrThrow({ ...query, where: { versionId: after.versionId } }),
    }),
    unifiedDiff: t.string({
      description: DESCRIPTIONS.unifiedDiff,
      ...compared((comparison, context) => comparisonsOf(context).inTurn(() => comparison.unified)),
    }),
    hunks: t.field({
      type: [Hunk],
      description: DESCRIPTIONS.hunks,
      ...compared((comparison, context) => shownHunks(context, () => comparison.hunks)),
    }),
    changes: t.field({
      type: [ConfigChangeType],
      description: DESCRIPTIONS.changes,
      ...compared((comparison, context) => shownChanges(context, () => comparison.changes)),
    }),
  }),
})

/** What comparing two documents costs, in rows that are read: half a second at most, and hundredths of it mostly. */
const COMPARISON_COST = 1000

builder.queryFields((t) => ({
  configDiff: t.field({
    type: Comparison,
    extensions: {
      cost: COMPARISON_COST,
      read: ({ args: { before, after }, members }) => ({
        is: 'row',
        from: (own) => computedFrom(own, comparedVersions(before, after)),
        members: members(undefined, comparedVersionsSource(before, after)),
        nullable: true,
      }),
    } satisfies ReadInStatement,
    nullable: true,
    description:
      'The difference between two versions, of one configuration or two; null unless this tenant has both.',
    args: {
      before: t.arg({ type: 'UUID', required: true, description: 'The key of one version.' }),
      after: t.arg({ type: 'UUID', required: true, description: 'The key of the other version.' }),
    },
    resolve: async (_, { before, after }, context): Promise<ShownComparison | null> => {
      const comparison = await comparisonsOf(context).of(`${before}/${after}`.toLowerCase(), () =>
        readSource(context.reads, comparedVersionsSource(before, after)),
      )
      return comparison && { comparison }
    },
  }),
  storedConfigDiff: t.field(configDiffPages.byKey('The diff stored when a version was created, by its key.')),
  configDiffs: t.field(
    configDiffPages.root('The diffs between successive versions of all configurations, newest first.'),
  ),
}))

const ConfigDiffPayload = payloadType<string>(
  'ConfigDiffPayload',
  'The decided diff, or the errors.',
  (t) => ({
    diff: t.field(configDiffPages.inPayload((diffId) => diffId, 'The diff; null when there are errors.')),
  }),
)

const decisionInput = (name: string, description: string) =>
  builder.inputType(name, {
    description,
    fields: (t) => ({
      diffId: t.field({ type: 'UUID', required: true, description: 'The diff’s key.' }),
      comment: t.string({ description: 'Why, in 1 to 10,000 characters.' }),
    }),
  })
const ApproveConfigDiffInput = decisionInput('ApproveConfigDiffInput', 'The diff to approve.')
const RejectConfigDiffInput = decisionInput('RejectConfigDiffInput', 'The diff to reject.')
const WithdrawConfigDiffDecisionInput = decisionInput(
  'WithdrawConfigDiffDecisionInput',
  'The decision to take back.',
)

builder.mutationFields((t) => ({
  approveConfigDiff: t.field({
    type: ConfigDiffPayload,
    description:
      'Approves a diff as the caller. Repeating it changes nothing; to decide otherwise, take it back first.',
    args: { input: t.arg({ type: ApproveConfigDiffInput, required: true, description: 'The diff.' }) },
    resolve: (_, { input: { diffId, comment } }, { write }) =>
      payloadOfStep(write, diffId, (transaction) => decideDiff(transaction, diffId, 'approved', comment)),
  }),
  rejectConfigDiff: t.field({
    type: ConfigDiffPayload,
    description:
      'Rejects a diff as the caller. Repeating it changes nothing; to decide otherwise, take it back first.',
    args: { input: t.arg({ type: RejectConfigDiffInput, required: true, description: 'The diff.' }) },
    resolve: (_, { input: { diffId, comment } }, { write }) =>
      payloadOfStep(write, diffId, (transaction) => decideDiff(transaction, diffId, 'rejected', comment)),
  }),
  withdrawConfigDiffDecision: t.field({
    type: ConfigDiffPayload,
    description:
      'Takes back the decision on a diff, whoever made it: it is pending again. The audit log keeps what was decided.',
    args: {
      input: t.arg({ type: WithdrawConfigDiffDecisionInput, required: true, description: 'Which one.' }),
    },
    resolve: (_, { input: { diffId, comment } }, { write }) =>
      payloadOfStep(write, diffId, (transaction) => withdrawDecision(transaction, diffId, comment)),
  }),
}))
