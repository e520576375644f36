/** A GUID in lower case, for regular expressions. */
export const guidForm = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
