"""What the admin shows."""

from django.contrib import admin

from notes.models import Note


@admin.register(Note)
class NoteAdmin(admin.ModelAdmin):
    """The notes, with their times."""

    list_display = ("text", "written")
    search_fields = ("text",)
