import type { Navigation } from './table-model.ts';

/**
 * Names that built-in relationships have for historical reasons:
 * learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/account (collection-valued navigation properties).
 */
const builtInNames: Readonly<Record<string, string>> = {
  'contact parentcustomerid account': 'contact_customer_accounts',
  'contact parentcustomerid contact': 'contact_customer_contacts',
  'account parentaccountid account': 'account_parent_account',
  'account primarycontactid contact': 'account_primary_contact',
};

/** Schema name of a relationship, which is also the name of its collection-valued end. */
export function relationshipName(table: string, { name, column }: Navigation, target: string): string {
  return (
    builtInNames[`${table} ${column.name} ${target}`] ??
    column.definition.relationshipName ??
    (['createdby', 'modifiedby', 'createdonbehalfby', 'ownerid'].includes(column.name)
      ? `lk_${table}_${column.name}_${target}`
      : `${table}_${name}_${target}`)
  );
}
