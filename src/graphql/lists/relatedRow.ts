import type { ObjectRef } from '@pothos/core'
import { queryFromInfo } from '@pothos/plugin-prisma'
import DataLoader from 'dataloader'
import type { GraphQLResolveInfo } from 'graphql'
import type PrismaTypes from '../../db/generated/pothos.ts'
import { relatedRow } from '../../reads/answers/pages.ts'
import { relationOf } from '../../reads/catalogue.ts'
import type { builder } from '../builder/builder.ts'
import type { Context } from '../builder/context.ts'
import type { ReadInStatement } from '../builder/fieldRead.ts'
import { identified } from '../builder/globalId.ts'
import { sharedByField } from './fieldLoader.ts'
import { type Row, rowsAt } from './pageReading.ts'

type Model = keyof PrismaTypes
type RowType = ObjectRef<typeof builder.$inferSchemaTypes, Row>

/** The relations of a model that lead to one row. */
type ToOne<Name extends Model> = Exclude<
  PrismaTypes[Name]['RelationName'],
  PrismaTypes[Name]['ListRelations']
>

/**
 * A field that shows the row that others belong to. It is read once, however many of them a list has: Prisma would make a copy
 * for each, of metadata of a megabyte five hundred.
 */
export function shownRelation<Name extends Model>(
  model: Name,
  relation: ToOne<Name> & string,
  type: RowType,
  description: string,
) {
  return relationField(model, relation, type, description, false)
}

/** The same where they may belong to none. */
export function shownRelationIfAny<Name extends Model>(
  model: Name,
  relation: ToOne<Name> & string,
  type: RowType,
  description: string,
) {
  const { select, resolve, ...field } = relationField(model, relation, type, description, true)
  return {
    ...field,
    nullable: true as const,
    select,
    resolve: (row: Row, args: unknown, context: Context, info: GraphQLResolveInfo) =>
      Object.keys(select).some((ours) => row[ours] === null) ? null : resolve(row, args, context, info),
  }
}

function relationField(
  model: Model,
  relation: string,
  type: RowType,
  description: string,
  nullable: boolean,
) {
  const { table, on } = relationOf(model, relation)!
  const theirs = Object.fromEntries(on.map(([, their]) => [their, true]))
  return {
    type,
    description,
    select: Object.fromEntries(on.map(([ours]) => [ours, true])),
    extensions: {
      read: ({ members }) => relatedRow(table, on, members(), nullable),
    } satisfies ReadInStatement,
    resolve: (row: Row, _: unknown, context: Context, info: GraphQLResolveInfo): Promise<Row> => {
      const selection = () => queryFromInfo({ context, info, select: theirs })
      const { loader, first } = sharedByField(context, info, () => {
        const selected = selection()
        return new DataLoader<Row, Row, string>(
          (places) => rowsAt(identified(type.name), places, selected, context),
          { cacheKeyFn: (place) => JSON.stringify(Object.values(place)) },
        )
      })
      // Pothos notes for each place in the answer what its rows hold: without this note it would read them again.
      if (!first) selection()
      return loader.load(Object.fromEntries(on.map(([ours, their]) => [their, row[ours]])))
    },
  }
}
