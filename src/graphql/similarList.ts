import type { InputRef, ObjectRef } from '@pothos/core'
import DataLoader from 'dataloader'
import type { GraphQLResolveInfo } from 'graphql'
import { databaseNow } from '../databaseTime.ts'
import {
  type ComparedWith,
  type EmbeddingCoverage,
  type SimilarityMethod,
  type SimilaritySearch,
  type SimilarKind,
  SimilarThings,
} from '../evaluation/similar/similarStore.ts'
import { computedFrom, computedPage, onlyOne } from '../reads/answers/pages.ts'
import type { RowPart } from '../reads/answers/parts.ts'
import {
  type ComputedRows,
  countComputedRows,
  type ParentKeys,
  readComputedPages,
  readComputedRows,
} from '../reads/computedPages.ts'
import { all } from '../reads/condition.ts'
import type { SortField } from '../reads/keyset.ts'
import { type PageArgs, type PagePlan, planPage, type Sorting } from '../reads/pagePlan.ts'
import { Refusal } from '../refusal.ts'
import { LENGTHS } from '../valueChecks.ts'
import { builder } from './builder/builder.ts'
import type { Context } from './builder/context.ts'
import type { PlannedField } from './builder/fieldRead.ts'
import type { InputBounds } from './builder/inputBounds.ts'
import { Columns } from './lists/columns.ts'
import { type Connection, defineConnection, pageArgs } from './lists/connection.ts'
import { sharedByField } from './lists/fieldLoader.ts'
import { conditionOf, type FilterFields, type FilterValues } from './lists/filters.ts'
import { connectionOf, type Row } from './lists/pageReading.ts'
import { checkRanges } from './lists/ranges.ts'

/** What one search costs, in rows that are read; as much again for counting all. */
const SEARCH_COST = 200
/** What a text costs that a model has to read. */
const TEXT_COST = 200
const VECTOR_WIDTH = 1536
const MOST_CHARACTERS = 100_000

const SimilarityMethodEnum = builder.enumType('SimilarityMethod', {
  description: 'How similar things were found.',
  values: {
    EXACT: { value: 'exact', description: 'By their vectors, each of which was compared.' },
    INDEX: {
      value: 'index',
      description: 'By their vectors and an index of them, which may miss one of a hundred.',
    },
    LEXICAL: {
      value: 'lexical',
      description:
        'By the words that they share, as vectors are missing. Their similarities are no cosines: compare them with each other only.',
    },
  } as const satisfies Record<string, { value: SimilarityMethod; description: string }>,
})

const LexicalReasonEnum = builder.enumType('LexicalReason', {
  description: 'Why similar things were found by their words.',
  values: {
    NO_PROVIDER: {
      value: 'no_provider',
      description: 'The server makes no vectors, or none of the model that is named; and none is given.',
    },
    PROVIDER_FAILED: {
      value: 'provider_failed',
      description: 'What makes the vectors did not answer, or not in time.',
    },
    NOT_EMBEDDABLE: { value: 'not_embeddable', description: 'The text says nothing that the model reads.' },
    NOT_FOUND: {
      value: 'not_found',
      description: 'The tenant has nothing with this key, or it has no failure: nothing is found.',
    },
    NOT_YET_EMBEDDED: {
      value: 'not_yet_embedded',
      description: 'What others are compared with has no vector of this model yet.',
    },
    NOTHING_TO_COMPARE: {
      value: 'nothing_to_compare',
      description: 'Nothing else of the tenant has a vector of this model yet.',
    },
  } as const,
})

const searchColumns = new Columns<SimilaritySearch>({
  method: { kind: 'enum', enum: SimilarityMethodEnum, description: 'How they were found.' },
  model: {
    kind: 'text',
    nullable: true,
    description: 'Whose vectors were compared; null where words were. Vectors of others are never compared.',
  },
  lexicalBecause: {
    kind: 'enum',
    enum: LexicalReasonEnum,
    nullable: true,
    description: 'Why words were compared; null where vectors were.',
  },
})

const SearchType = builder.objectRef<SimilaritySearch>('SimilaritySearch').implement({
  description: 'How similar things were found.',
  fields: (t) => searchColumns.fields(t),
})

const coverageColumns = new Columns<EmbeddingCoverage>({
  embedded: { kind: 'integer', description: 'How many have a vector of the model that is compared.' },
  things: {
    kind: 'integer',
    description: 'How many there are; of trajectories those of the last attempts of runs.',
  },
})

const CoverageType = builder.objectRef<EmbeddingCoverage>('EmbeddingCoverage').implement({
  description: 'How many of the tenant’s things of this kind could be found by their vectors.',
  fields: (t) => coverageColumns.fields(t),
})

const SimilarToEmbedding = builder.inputType('SimilarToEmbedding', {
  description: 'A vector, and the name of the model that made it.',
  fields: (t) => ({
    model: t.string({
      required: true,
      extensions: { bounds: { characters: 200 } satisfies InputBounds },
      description: 'The name that the vectors to compare with are stored under.',
    }),
    vector: t.floatList({
      required: true,
      extensions: { bounds: { entries: VECTOR_WIDTH } satisfies InputBounds },
      description: `${VECTOR_WIDTH} numbers, not all zero; those of a shorter vector end in zeros.`,
    }),
  }),
})

/** The fields of each input that says what others are compared with. */
export const ofEmbedding = (t: Parameters<Parameters<typeof builder.inputType>[1]['fields']>[0]) =>
  t.field({ type: SimilarToEmbedding, description: 'A vector of the caller’s own.' })

/** @throws Refusal BAD_USER_INPUT for a vector that is none. */
export function vectorOf({ vector }: typeof SimilarToEmbedding.$inferInput): ComparedWith {
  const path = ['to', 'embedding', 'vector']
  if (vector.length !== VECTOR_WIDTH)
    throw new Refusal(
      'BAD_USER_INPUT',
      `The vector has ${vector.length} numbers; it must have ${VECTOR_WIDTH}.`,
      path,
    )
  // As half-precision numbers, which is how they are compared.
  if (!vector.every((number) => Math.abs(number) < 65_504))
    throw new Refusal('BAD_USER_INPUT', 'The numbers of a vector must be finite, and below 65504.', path)
  if (vector.every((number) => Math.abs(number) < 2 ** -24))
    throw new Refusal('BAD_USER_INPUT', 'The vector has no length, and so no direction.', path)
  return { is: 'vector', vector }
}

/** What a field is asked for. */
export interface SimilarArgs extends PageArgs {
  model?: string | null
}

/** What is asked of a field: the rows that answer it, and how many of them are enough. */
interface Asked {
  things: SimilarThings
  page: PagePlan
  most: number | null
}

/** What is said of things that are listed by how much they are like another. */
interface SimilarList<Computed, Args extends SimilarArgs> {
  // biome-ignore lint/suspicious/noExplicitAny: the row's shape is its type's business
  type: ObjectRef<any, any, any>
  kind: SimilarKind
  columns: Columns<Computed>
  /** The subject first: equal similarities are in its order. */
  keys: readonly (keyof Computed & string)[]
  /** Of the things themselves. */
  filter: { type: InputRef<object>; fields: FilterFields }
  rowsOf(things: SimilarThings, parents: ParentKeys, most: number | null, args: Args): ComputedRows
}

/** Rows without a parent have this one in their SQL. */
const NO_PARENT = ''

/** Makes the connection of things that are like another, and the fields that list them. */
export function defineSimilarList<Computed extends { similarity: number }, Args extends SimilarArgs>(
  name: string,
  { type, kind, columns, keys, filter, rowsOf }: SimilarList<Computed, Args>,
) {
  const similarity: SortField = { field: 'similarity', kind: 'number' }
  const source: Sorting = {
    keys: keys.map((key) => columns.sorted(key)),
    orders: { SIMILARITY: { ...similarity, description: 'How similar they are.' } },
    defaultOrder: { field: 'SIMILARITY', direction: 'desc' },
  }
  const ConnectionType = defineConnection<Row>(name, type, SEARCH_COST)
  type Listed = Connection & { asked: Asked; parent: string }
  const ofListed = ConnectionType as unknown as ObjectRef<typeof builder.$inferSchemaTypes, Listed>

  /** Of one thing, one row that says something of all: read for all parents together. */
  const besides = <Beside extends object>(
    besideRows: (asked: Asked, parents: ParentKeys) => ComputedRows,
    cost: number,
  ) => ({
    extensions: {
      cost,
      read: ({ members, told }: PlannedField<unknown, Asked & { key?: string }>): RowPart => ({
        is: 'row',
        from: (own, outer) =>
          computedFrom(
            own,
            besideRows(told, told.key === undefined ? [NO_PARENT] : onlyOne(outer.column(told.key))),
          ),
        members: members(),
        nullable: false,
      }),
    },
    resolve: ({ asked, parent }: Listed, _: unknown, context: Context, info: GraphQLResolveInfo) => {
      const { loader } = sharedByField(
        context,
        info,
        () =>
          new DataLoader<string, Beside>(async (parents) => {
            const rows = await readComputedRows<Beside & { parent: string }>(
              context.reads,
              besideRows(asked, parents),
            )
            const byParent = new Map(rows.map((row) => [row.parent, row]))
            return parents.map((each) => byParent.get(each)!)
          }),
      )
      return loader.load(parent)
    },
  })
  builder.objectFields(ofListed, (t) => ({
    search: t.field({
      type: SearchType,
      description: 'How they were found.',
      ...besides<SimilaritySearch>(({ things, most }, parents) => things.search(parents, most), 10),
    }),
    coverage: t.field({
      type: CoverageType,
      description:
        'How many of the tenant’s things of this kind have a vector: others are found by words only.',
      ...besides<EmbeddingCoverage>(({ things }, parents) => things.coverage(parents), SEARCH_COST),
    }),
  }))

  function ask(to: ComparedWith, args: Args, model: string | null, now: () => Date): Asked {
    const given = args.filter as FilterValues | null | undefined
    if (given) checkRanges(given)
    const where = conditionOf(filter.fields, given, now)
    const isAny = where.is === 'all' && where.of.length === 0
    const page = planPage(source, args, all())
    const isFirst = !page.fromEnd && typeof args.after !== 'string' && typeof args.before !== 'string'
    return {
      things: new SimilarThings({ kind, to, model, where: isAny ? undefined : where }),
      page,
      // One more tells whether there are more. Behind a place in the list all are compared.
      most: isFirst ? page.size + 1 : null,
    }
  }

  const rows = (asked: Asked, args: Args, most: number | null) => (parents: ParentKeys) =>
    rowsOf(asked.things, parents, most, args)

  function inStatement(asked: Asked, parentKey: string | undefined, field: PlannedField<Args>) {
    const of = (most: number | null) => (parents: ParentKeys | undefined) =>
      rows(asked, field.args, most)(parents ?? [NO_PARENT])
    return computedPage(
      of(asked.most),
      parentKey,
      asked.page,
      field.page({ ...asked, key: parentKey }),
      of(null),
    )
  }

  async function read(
    make: () => Asked,
    args: Args,
    parent: string,
    context: Context,
    info: GraphQLResolveInfo,
  ): Promise<Listed> {
    const { loader } = sharedByField(context, info, () => loaderOf(make(), args, context))
    const { asked, pages, counts } = loader
    const connection = connectionOf(asked.page, await pages.load(parent), () => counts.load(parent))
    return { ...connection, asked, parent }
  }

  function loaderOf(asked: Asked, args: Args, { reads }: Context) {
    const { where, filtered, order, size } = asked.page
    return {
      asked,
      pages: new DataLoader<string, Row[]>(async (parents) => {
        const query = { where, order, limit: size + 1 }
        const found = await readComputedPages(reads, rows(asked, args, asked.most)(parents), query, parents)
        return parents.map((parent) => found.get(parent)!)
      }),
      counts: new DataLoader<string, number>(async (parents) => {
        const counted = await countComputedRows(reads, rows(asked, args, null)(parents), filtered)
        return parents.map((parent) => counted.get(parent) ?? 0)
      }),
    }
  }

  const args = {
    ...pageArgs,
    ...builder.args((t) => ({
      filter: t.field({ type: filter.type, description: 'Only those that match all conditions.' }),
      model: t.string({
        extensions: { bounds: { characters: 200 } satisfies InputBounds },
        description: 'The name of the vectors to compare; by default of those that the server makes.',
      }),
    })),
  }
  return {
    type: ofListed,
    args,
    /** A field of Query, with an argument of its own that says what others are compared with. */
    root: <RootArgs extends Args>(
      description: string,
      compared: (args: RootArgs) => { to: ComparedWith; model?: string | undefined },
    ) => {
      const askedOf = (given: RootArgs, now: () => Date) => {
        const { to, model } = compared(given)
        return ask(to, given, model ?? given.model ?? null, now)
      }
      return {
        type: ofListed,
        description,
        extensions: {
          page: true as const,
          cost: SEARCH_COST,
          read: (field: PlannedField<RootArgs>) =>
            inStatement(askedOf(field.args, field.now), undefined, field as never),
        },
        resolve: (_: unknown, given: RootArgs, context: Context, info: GraphQLResolveInfo) =>
          read(() => askedOf(given, databaseNow), given, NO_PARENT, context, info),
      }
    },
    /** A field of the thing itself, whose field `key` is its subject. All parents of a list are read together. */
    under: <Key extends string>(parentKey: Key, description: string) => {
      const to: ComparedWith = { is: 'subject', of: (parent) => parent }
      return {
        type: ofListed,
        description,
        extensions: {
          page: true as const,
          cost: SEARCH_COST,
          read: (field: PlannedField<Args>) =>
            inStatement(ask(to, field.args, field.args.model ?? null, field.now), parentKey, field),
        },
        resolve: (row: { [key in Key]: string }, given: Args, context: Context, info: GraphQLResolveInfo) =>
          read(() => ask(to, given, given.model ?? null, databaseNow), given, row[parentKey], context, info),
      }
    },
  }
}

/** What says how similar a thing is. */
export const SIMILARITY = {
  kind: 'number',
  description:
    'How similar it is, 1 at most: the cosine of both vectors; where words are compared, the share of them that it has, rare ones counting more.',
} as const

/** A text that others are compared with. */
export const SIMILAR_TEXT = { bounds: { characters: MOST_CHARACTERS, cost: TEXT_COST } satisfies InputBounds }

export const KEY_TEXT = { bounds: { characters: LENGTHS.scenarioKey.max } satisfies InputBounds }
