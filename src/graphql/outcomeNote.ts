import type { OutcomeNote as OutcomeNoteRow } from '../db/generated/client.ts'
import { addNote, deleteNote, editNote } from '../evaluation/outcomes/notes.ts'
import { outcomeOf } from '../evaluation/outcomes/outcomeAnswer.ts'
import { builder } from './builder/builder.ts'
import type { ReadInStatement } from './builder/fieldRead.ts'
import { Columns } from './lists/columns.ts'
import { defineStoredList } from './lists/storedList.ts'
import { findOutcome, Outcome } from './outcome.ts'
import { payloadOf, payloadOfStep, payloadType } from './payload.ts'

const outcomeNoteColumns = new Columns<OutcomeNoteRow>({
  noteId: { kind: 'uuid', description: 'Its key.', filter: 'By key.' },
  outcomeId: { kind: 'uuid', description: 'The outcome’s key.', filter: 'By outcome.' },
  simulationId: { kind: 'uuid', description: 'The simulation’s key.', filter: 'By simulation.' },
  text: { kind: 'text', description: 'The note.', filter: 'By what it says.' },
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

const OutcomeNote = builder.prismaNode('OutcomeNote', {
  id: { field: 'noteId' },
  nullable: true,
  description: 'What a person wrote under an outcome.',
  select: { noteId: true },
  fields: (t) => ({
    ...outcomeNoteColumns.fields(t),
    outcome: t.prismaField({
      type: Outcome,
      nullable: true,
      select: { outcomeId: true },
      extensions: { read: ({ members }) => outcomeOf('outcomeId', members()) } satisfies ReadInStatement,
      description: 'The outcome.',
      resolve: (query, { outcomeId }, _, context) => findOutcome(context, query, outcomeId),
    }),
  }),
})

const outcomeNotePages = defineStoredList('OutcomeNote', {
  model: 'OutcomeNote',
  type: OutcomeNote,
  columns: outcomeNoteColumns,
  keys: ['noteId'],
  defaultOrder: ['createdAt', 'desc'],
  filter: 'Filters notes; all conditions must match.',
})

builder.prismaObjectField(Outcome, 'notes', (t) =>
  t.field(
    outcomeNotePages.under(
      { key: 'outcomeId', field: 'outcomeId', type: 'uuid' },
      'What people wrote under it, latest first.',
    ),
  ),
)

builder.queryFields((t) => ({
  outcomeNote: t.field(outcomeNotePages.byKey('A note by its key.')),
  outcomeNotes: t.field(outcomeNotePages.root('The notes under all the tenant’s outcomes, latest first.')),
}))

const AddOutcomeNoteInput = builder.inputType('AddOutcomeNoteInput', {
  description: 'A note to write.',
  fields: (t) => ({
    outcomeId: t.field({ type: 'UUID', required: true, description: 'The outcome’s key.' }),
    text: t.string({ required: true, description: '1 to 10,000 characters.' }),
  }),
})

const EditOutcomeNoteInput = builder.inputType('EditOutcomeNoteInput', {
  description: 'A note to change.',
  fields: (t) => ({
    noteId: t.field({ type: 'UUID', required: true, description: 'Its key.' }),
    text: t.string({ required: true, description: '1 to 10,000 characters, in place of what it says.' }),
  }),
})

const DeleteOutcomeNoteInput = builder.inputType('DeleteOutcomeNoteInput', {
  description: 'A note to delete.',
  fields: (t) => ({ noteId: t.field({ type: 'UUID', required: true, description: 'Its key.' }) }),
})

const OutcomeNotePayload = payloadType<string>(
  'OutcomeNotePayload',
  'The note after the change, or the errors.',
  (t) => ({
    note: t.field(
      outcomeNotePages.inPayload(
        (noteId) => noteId,
        'The note; null when there are errors or it was deleted.',
      ),
    ),
  }),
)

builder.mutationFields((t) => ({
  addOutcomeNote: t.field({
    type: OutcomeNotePayload,
    description: 'Writes a note under an outcome.',
    args: { input: t.arg({ type: AddOutcomeNoteInput, required: true, description: 'What to write.' }) },
    resolve: (_, { input: { outcomeId, text } }, { write }) =>
      payloadOf(() => write((transaction) => addNote(transaction, outcomeId, text))),
  }),
  editOutcomeNote: t.field({
    type: OutcomeNotePayload,
    description: 'Changes what a note says. Its author stays; the audit log has what it said before.',
    args: { input: t.arg({ type: EditOutcomeNoteInput, required: true, description: 'What to change.' }) },
    resolve: (_, { input: { noteId, text } }, { write }) =>
      payloadOfStep(write, noteId, (transaction) => editNote(transaction, noteId, text)),
  }),
  deleteOutcomeNote: t.field({
    type: OutcomeNotePayload,
    description: 'Deletes a note. The audit log has what it said.',
    args: { input: t.arg({ type: DeleteOutcomeNoteInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input: { noteId } }, { write }) =>
      payloadOfStep(write, noteId, (transaction) => deleteNote(transaction, noteId)),
  }),
}))
