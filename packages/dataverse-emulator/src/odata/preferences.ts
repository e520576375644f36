/** What the `Prefer` header of a request asks for, and which of it is answered with `Preference-Applied`. */
export interface Preferences {
  readonly returnRepresentation: boolean;
  readonly continueOnError: boolean;
  readonly trackChanges: boolean;
  readonly maxPageSize: number | undefined;
  /** Pattern of annotations to include, for example `*`. */
  readonly annotations: string | undefined;
}

const none: Preferences = {
  returnRepresentation: false,
  continueOnError: false,
  trackChanges: false,
  maxPageSize: undefined,
  annotations: undefined,
};

export function parsePreferences(header: string | undefined): Preferences {
  if (header === undefined) return none;
  const parts = new Map(
    (header.match(/[^,"]+(?:"[^"]*")?/g) ?? []).map((part) => {
      const [name = '', ...value] = part.trim().split('=');
      return [name.trim().toLowerCase(), value.join('=').trim().replace(/^"|"$/g, '')] as const;
    }),
  );
  const pageSize = Number(parts.get('odata.maxpagesize') ?? parts.get('maxpagesize'));
  return {
    returnRepresentation: parts.get('return') === 'representation',
    continueOnError: parts.has('odata.continue-on-error') || parts.has('continue-on-error'),
    trackChanges: parts.has('odata.track-changes') || parts.has('track-changes'),
    maxPageSize: Number.isInteger(pageSize) && pageSize > 0 ? pageSize : undefined,
    annotations: parts.get('odata.include-annotations') ?? parts.get('include-annotations'),
  };
}

/** Whether error details are wanted. */
export function includesErrorDetails({ annotations }: Preferences): boolean {
  return (
    annotations !== undefined && (annotations === '*' || annotations.includes('Microsoft.PowerApps.CDS.ErrorDetails'))
  );
}

/** `Preference-Applied` of an answer that shows rows; nothing when nothing was preferred. */
export function appliedPreferences({
  trackChanges,
  maxPageSize,
  annotations,
}: Preferences): Readonly<Record<string, string>> {
  const applied = [
    ...(trackChanges ? ['odata.track-changes'] : []),
    ...(maxPageSize === undefined ? [] : [`odata.maxpagesize=${maxPageSize}`]),
    ...(annotations === undefined ? [] : [`odata.include-annotations="${annotations}"`]),
  ];
  return applied.length === 0 ? {} : { 'Preference-Applied': applied.join(',') };
}
