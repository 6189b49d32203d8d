import type { ObjectRef } from '@pothos/core'
import type { GraphQLResolveInfo } from 'graphql'
import type PrismaTypes from '../../db/generated/pothos.ts'
import { relatedRow } from '../../reads/answers/pages.ts'
import { relationOf } from '../../reads/catalogue.ts'
import type { builder } from '../builder/builder.ts'
import type { Context } from '../builder/context.ts'
import type { ReadInStatement } from '../builder/fieldRead.ts'
import { identified } from '../builder/globalId.ts'
import { type Row, readShared } from './pageReading.ts'

type Model = keyof PrismaTypes
type RowType = ObjectRef<typeof builder.$inferSchemaTypes, Row>

/** The relations of a model that lead to one row. */
type ToOne<Name extends Model> = Exclude<
  PrismaTypes[Name]['RelationName'],
  PrismaTypes[Name]['ListRelations']
>

/** A field that shows the row that others belong to. */
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
  return {
    type,
    description,
    select: Object.fromEntries(on.map(([ours]) => [ours, true])),
    extensions: {
      read: ({ members }) => relatedRow(table, on, members(), nullable),
    } satisfies ReadInStatement,
    resolve: (row: Row, _: unknown, context: Context, info: GraphQLResolveInfo): Promise<Row> =>
      // A relation leads to a row that is there.
      readShared(
        identified(type.name),
        Object.fromEntries(on.map(([ours, their]) => [their, row[ours]])),
        context,
        info,
      ) as Promise<Row>,
  }
}
