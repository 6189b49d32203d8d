import {
  addGroupNote,
  allGroupNotes,
  deleteGroupNote,
  editGroupNote,
  type FailureGroupNote,
  groupNotesOf,
} from '../evaluation/failures/failureGroupNotes.ts'
import { builder } from './builder/builder.ts'
import { FailurePattern } from './failurePattern.ts'
import { Columns } from './lists/columns.ts'
import { defineComputedList } from './lists/computedList.ts'
import { payloadOf, payloadType } from './payload.ts'

/** In rows that are read: a failure has some. */
const NOTES_COST = 10

const noteColumns = new Columns<FailureGroupNote>({
  groupNoteId: { kind: 'uuid', description: 'Its key.', filter: 'By key.' },
  signature: {
    kind: 'text',
    description: 'The signature of the failure that it lies on: it shows in whatever group has that one.',
    filter: 'By the signature of the failure that they lie on.',
  },
  note: { kind: 'text', description: 'What it says.', filter: 'By what it says.' },
  resolutionSteps: {
    kind: 'text',
    nullable: true,
    description: 'How to fix the failure; null where it does not say.',
    filter: 'By how to fix the failure.',
  },
  author: { kind: 'text', nullable: true, description: 'Who wrote it first.', filter: 'By who wrote it.' },
  createdAt: {
    kind: 'time',
    description: 'When it was written.',
    filter: 'By when it was written.',
    order: 'When it was written.',
  },
  updatedAt: {
    kind: 'time',
    description: 'When it was last changed.',
    filter: 'By when it was last changed.',
    order: 'When it was last changed.',
  },
})

const FailureGroupNoteType = builder.objectRef<FailureGroupNote>('FailureGroupNote').implement({
  description: 'What a person wrote of a failure, once for all that mean the same.',
  fields: (t) => ({ ...noteColumns.fields(t) }),
})

export const groupNotePages = defineComputedList('FailureGroupNote', {
  type: FailureGroupNoteType,
  cost: NOTES_COST,
  columns: noteColumns,
  keys: ['groupNoteId'],
  defaultOrder: ['createdAt', 'desc'],
  filter: 'Filters notes; all conditions must match.',
})

builder.prismaObjectField(FailurePattern, 'groupNotes', (t) =>
  t.field({
    ...groupNotePages.under(
      'signature',
      'What people wrote of this failure, or of one that means the same, latest first.',
      groupNotesOf,
    ),
    select: { signature: true },
  }),
)

builder.queryField('failureGroupNotes', (t) =>
  t.field(groupNotePages.root('What people wrote of failures, latest first.', allGroupNotes)),
)

const WRITTEN = {
  note: '1 to 10,000 characters.',
  resolutionSteps:
    'How to fix the failure, up to 10,000 characters. Patterns without steps of their own show the latest of them.',
}

const NoteFailureGroupInput = builder.inputType('NoteFailureGroupInput', {
  description: 'A note to write of a failure: either `groupId` or `signature`.',
  fields: (t) => ({
    groupId: t.string({
      description:
        'The group’s, or the signature of any failure in it: the note lies on the one that is nearest to all others.',
    }),
    signature: t.string({ description: 'The signature of the failure that the note is to lie on.' }),
    note: t.string({ required: true, description: WRITTEN.note }),
    resolutionSteps: t.string({ description: WRITTEN.resolutionSteps }),
  }),
})

const EditFailureGroupNoteInput = builder.inputType('EditFailureGroupNoteInput', {
  description: 'A note to change.',
  fields: (t) => ({
    groupNoteId: t.field({ type: 'UUID', required: true, description: 'Its key.' }),
    note: t.string({ required: true, description: `${WRITTEN.note} In place of what it says.` }),
    resolutionSteps: t.string({ description: `${WRITTEN.resolutionSteps} Without them it has none.` }),
  }),
})

const DeleteFailureGroupNoteInput = builder.inputType('DeleteFailureGroupNoteInput', {
  description: 'A note to delete.',
  fields: (t) => ({ groupNoteId: t.field({ type: 'UUID', required: true, description: 'Its key.' }) }),
})

const FailureGroupNotePayload = payloadType<FailureGroupNote | null>(
  'FailureGroupNotePayload',
  'The note after the change, or the errors.',
  (t) => ({
    note: t.field({
      type: FailureGroupNoteType,
      nullable: true,
      description: 'The note; null when there are errors or it was deleted.',
      resolve: ({ result }) => result,
    }),
  }),
)

builder.mutationFields((t) => ({
  noteFailureGroup: t.field({
    type: FailureGroupNotePayload,
    description:
      'Writes a note of a failure, once for all that mean the same. It shows on their group and on each of their patterns, and stays when they are deleted.',
    args: { input: t.arg({ type: NoteFailureGroupInput, required: true, description: 'What to write.' }) },
    resolve: (_, { input: { groupId, signature, ...written } }, { write }) =>
      payloadOf(() => write((transaction) => addGroupNote(transaction, { groupId, signature }, written))),
  }),
  editFailureGroupNote: t.field({
    type: FailureGroupNotePayload,
    description: 'Changes what a note says. Its author stays; the audit log has what it said before.',
    args: {
      input: t.arg({ type: EditFailureGroupNoteInput, required: true, description: 'What to change.' }),
    },
    resolve: (_, { input: { groupNoteId, ...written } }, { write }) =>
      payloadOf(() => write((transaction) => editGroupNote(transaction, groupNoteId, written))),
  }),
  deleteFailureGroupNote: t.field({
    type: FailureGroupNotePayload,
    description: 'Deletes a note. The audit log has what it said.',
    args: {
      input: t.arg({ type: DeleteFailureGroupNoteInput, required: true, description: 'Which one.' }),
    },
    resolve: (_, { input: { groupNoteId } }, { write }) =>
      payloadOf(() =>
        write(async (transaction) => {
          await deleteGroupNote(transaction, groupNoteId)
          return null
        }),
      ),
  }),
}))
