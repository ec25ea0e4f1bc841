"""Words of posts: where they begin and end in any language, which of them say nothing, which are better not shown."""
