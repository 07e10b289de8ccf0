"""What a visitor fills in."""

from django import forms

from notes.models import Note


class NoteForm(forms.ModelForm):
    """A new note."""

    class Meta:
        """Made from the model."""

        model = Note
        fields = ("text",)
